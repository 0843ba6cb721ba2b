using System.CommandLine;
using Belfry.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;

namespace Belfry.Cli;

/// <summary><c>belfry serve</c>: the server.</summary>
static class ServeVerb
{
    static readonly Option<bool> Demo = new("--demo") { Description = "Run sample tasks in a fresh log, on this machine only and without a login" };
    static readonly Option<string[]> Broker = new("--broker") { Description = "Read a Celery cluster: redis://HOST:PORT/DB (repeatable)", HelpName = "URL" };
    static readonly Option<string?> Urls = new("--urls") { Description = "Where to listen (default: http://127.0.0.1:2355)", HelpName = "URL" };

    public static Verb Build() => new Verb(
        "serve", "The server: log, checks, alerts, pages and API",
        "belfry serve --demo",
        "belfry serve --broker redis://localhost:6379/0") { Demo, Broker, Urls }.Does(ServeAsync);

    static async Task<int> ServeAsync(ParseResult line, CancellationToken cancel)
    {
        BelfrySettings settings = Common.Settings(line, line.GetValue(Demo), [("Urls", line.GetValue(Urls)), .. Brokers(line)]);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(settings.Urls);
        builder.Services.AddBelfryServer(settings);
        await using WebApplication app = builder.Build();
        app.MapBelfry();
        await app.StartAsync(cancel);
        Console.Error.WriteLine($"Belfry listens on {string.Join(", ", app.Urls)}");
        await app.WaitForShutdownAsync(cancel);
        return Exits.Done;
    }

    /// <summary>Their keys are no numbers, so they stand behind the clusters of the settings file and replace none.</summary>
    static IEnumerable<(string Key, string? Value)> Brokers(ParseResult line)
    {
        string[] brokers = line.GetValue(Broker) ?? [];
        string[] names = [.. brokers.Select(NameOf)];
        for (int i = 0; i < brokers.Length; i++)
        {
            int before = names.Take(i).Count(name => name == names[i]);
            yield return ($"Sources:--broker {i + 1}:Broker", brokers[i]);
            yield return ($"Sources:--broker {i + 1}:Name", before == 0 ? names[i] : $"{names[i]}-{before + 1}");
        }
    }

    /// <summary>The broker's host; <c>celery</c> when that is this machine.</summary>
    static string NameOf(string broker) =>
        Uri.TryCreate(broker, UriKind.Absolute, out Uri? uri) && uri.Host.Length > 0 && !uri.IsLoopback ? uri.Host : "celery";
}
