using System.CommandLine;
using Belfry.Server;
using Belfry.Server.Access;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Belfry.Cli;

/// <summary><c>belfry serve</c>: the server.</summary>
static class ServeVerb
{
    // Sources get this long to finish what they have in hand; the log then commits what waits.
    static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    static readonly Option<bool> Demo = new("--demo") { Description = "Run sample tasks in a fresh log, on this machine only and without a login" };
    static readonly Option<string?> Urls = new("--urls") { Description = "Where to listen (default: http://127.0.0.1:2355)", HelpName = "URL" };

    public static Verb Build() => new Verb(
        "serve", "The server: log, checks, alerts, pages and API",
        "belfry serve --demo",
        "belfry serve --broker redis://localhost:6379/0") { Demo, ClusterOptions.Brokers, ClusterOptions.Backends, Urls }.Does(ServeAsync);

    static async Task<int> ServeAsync(ParseResult line, CancellationToken cancel)
    {
        bool demo = line.GetValue(Demo);
        BelfrySettings settings = Common.Settings(line, demo, [("Urls", line.GetValue(Urls)), .. ClusterOptions.Named(line), .. demo ? DemoFolders(line) : []]);
        bool started = false;
        await using WebApplication app = Build(settings, (category, level) => IsTold(category, level, started));
        try
        {
            await app.StartAsync(cancel);
        }
        catch (IOException e)
        {
            // Somebody else has that address, or it is none of this machine's.
            throw new UnreachableException(e.Message);
        }
        started = true;
        Greet(app, settings, await app.Services.GetRequiredService<SetupEndpoints>().NewLinkAsync(cancel));
        // The token is cancelled by Ctrl-C and SIGTERM, and stopping is what both ask for.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, app.Lifetime.ApplicationStopping);
        await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Console.Error.WriteLineAsync("Belfry stops");
        await app.StopAsync(CancellationToken.None);
        return Exits.Done;
    }

    static WebApplication Build(BelfrySettings settings, Func<string?, LogLevel, bool> told)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(settings.Addresses).UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Logging.ClearProviders().AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "yyyy-MM-dd HH:mm:ss "))
            .AddFilter(told);
        // stdout is for data; a server has none.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopWithin);
        settings.Access.TellsSetup = false;
        builder.Services.AddBelfryServer(settings);
        WebApplication app = builder.Build();
        app.MapBelfry();
        return app;
    }

    /// <summary>Of the framework only what is wrong; and nothing before the start succeeded: why it failed is told by the command, in one line.</summary>
    static bool IsTold(string? category, LogLevel level, bool started)
    {
        bool ours = category?.StartsWith("Belfry", StringComparison.Ordinal) == true;
        bool keys = category?.StartsWith("Microsoft.AspNetCore.DataProtection", StringComparison.Ordinal) == true;
        return ours ? level >= LogLevel.Information : started && level >= (keys ? LogLevel.Error : LogLevel.Warning);
    }

    static void Greet(WebApplication app, BelfrySettings settings, string? setup)
    {
        Console.Error.WriteLine($"Belfry listens on {string.Join(", ", app.Urls)}");
        Console.Error.WriteLine($"  log   {StoreUrl.Parse(settings.Store)}");
        if (settings.Mail.Folder.Length > 0)
        {
            Console.Error.WriteLine($"  mail  {settings.Mail.Folder}");
        }
        if (settings.Demo)
        {
            Console.Error.WriteLine("  No login is asked for: the demo is open to everybody on this machine, and to nobody else.");
        }
        else if (setup is not null)
        {
            Console.Error.WriteLine($"  Nobody may administer yet. Open this link within an hour, it is good once:\n\n    {Local(app)}{setup}\n\n  or run: belfry user add NAME --role admin");
        }
    }

    // The machine itself has no name for "all addresses".
    static string Local(WebApplication app) => app.Urls.First().Replace("://0.0.0.0", "://127.0.0.1").Replace("://[::]", "://[::1]").TrimEnd('/');

    /// <summary>A fresh log, unless one is named; and mails never leave the machine.</summary>
    static IEnumerable<(string Key, string? Value)> DemoFolders(ParseResult line)
    {
        string folder = Directory.CreateTempSubdirectory("belfry-demo-").FullName;
        if (line.GetValue(Common.Store) is null)
        {
            yield return ("Store", $"sqlite://{Path.Combine(folder, "log.db")}");
        }
        yield return ("Mail:Folder", Path.Combine(folder, "mail"));
    }
}
