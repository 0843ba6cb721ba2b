using System.Net;
using AngleSharp;
using AngleSharp.Dom;
using Belfry.Server.Access;
using Belfry.Server.Admin;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Tests.Admin;

/// <summary>The server with its pages, on a log of its own and a free port.</summary>
sealed class AdminHost : IAsyncDisposable
{
    readonly TempFolder _folder;
    readonly WebApplication _app;

    AdminHost(TempFolder folder, RunLog log, WebApplication app)
    {
        (_folder, Log, _app) = (folder, log, app);
        Root = app.Urls.First();
        Client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(Root) };
    }

    public RunLog Log { get; }

    /// <summary>Accounts, tokens and audit.</summary>
    public AccessStore Access => _app.Services.GetRequiredService<AccessStore>();

    /// <summary>The path of a new one-time link.</summary>
    public async Task<string> SetupLinkAsync() => await _app.Services.GetRequiredService<SetupEndpoints>().NewLinkAsync(Cancel) ?? throw new InvalidOperationException("there is an administrator");

    public string Root { get; }

    public HttpClient Client { get; }

    public static async Task<AdminHost> StartAsync(string path = "", string? file = null, Action<BelfrySettings>? change = null)
    {
        TempFolder folder = new();
        BelfrySettings settings = new() { Store = "sqlite://" + (file ?? folder.File("log.db")) };
        (settings.Admin.Site, settings.Admin.TimeZone) = ("gap production", "Europe/Berlin");
        (settings.Retention.Age, settings.Retention.FailureAge) = (null, null); // samples have fixed dates, and will be old one day
        settings.Access.Open = true;
        change?.Invoke(settings);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error); // keys lie in the store as they are: said in docs/limits.md
        builder.Services.AddBelfryServer(settings);
        WebApplication app = builder.Build();
        app.MapBelfry(path);
        await app.StartAsync(Cancel);
        return new AdminHost(folder, app.Services.GetRequiredService<RunLog>(), app);
    }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Counts what the health page shows of the store.</summary>
    public Task CountAsync() => _app.Services.GetRequiredService<StoreCensus>().CountAsync(Cancel);

    public Task AppendAsync(IReadOnlyList<TaskEvent> events) => Log.AppendAsync(events, Cancel);

    public Task<HttpResponseMessage> GetAsync(string path) => Client.GetAsync(path, Cancel);

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => Client.SendAsync(request, Cancel);

    /// <summary>A page, read.</summary>
    public async Task<IDocument> PageAsync(string path, HttpStatusCode wanted = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await GetAsync(path);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancel)}");
        return await PageAsync(answer);
    }

    /// <summary>An answer, read.</summary>
    public async Task<IDocument> PageAsync(HttpResponseMessage answer)
    {
        string html = await answer.Content.ReadAsStringAsync(Cancel);
        return await BrowsingContext.New(Configuration.Default).OpenAsync(page => page.Content(html).Address(answer.RequestMessage!.RequestUri), Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _folder.Dispose();
    }
}
