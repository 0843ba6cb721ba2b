using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Tests;

/// <summary>The whole server, on a log of its own and a free port.</summary>
sealed class ServerHost : IAsyncDisposable
{
    /// <summary>The password of <c>mara</c>.</summary>
    public const string Password = "correct horse";

    /// <summary>The token of <c>reader</c>.</summary>
    public const string Token = "belfry_test_token";

    static readonly string PasswordHash = Passwords.Hash(Password);

    readonly TempFolder _folder;
    readonly WebApplication _app;
    readonly Errors _told;

    ServerHost(TempFolder folder, WebApplication app, Errors told)
    {
        (_folder, _app, _told) = (folder, app, told);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(app.Urls.First()) };
    }

    /// <summary>What it logged as errors.</summary>
    public IReadOnlyCollection<string> Told => _told.All;

    /// <summary>A client without redirects and cookies.</summary>
    public HttpClient Client { get; }

    public RunLog Log => _app.Services.GetRequiredService<RunLog>();

    public IEnumerable<Endpoint> Endpoints => ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="guarded">A login is asked for, and one administrator and one token are set up. Otherwise it is open to this machine, like the demo.</param>
    /// <param name="path">Where it is mounted.</param>
    /// <param name="change">Changes the settings.</param>
    /// <param name="more">More routes behind the guard.</param>
    /// <param name="clock">The time; the machine's by default.</param>
    public static async Task<ServerHost> StartAsync(
        bool guarded = false, string path = "", Action<BelfrySettings>? change = null, Action<RouteGroupBuilder>? more = null, TimeProvider? clock = null)
    {
        TempFolder folder = new();
        var settings = new BelfrySettings { Store = "sqlite://" + folder.File("log.db"), Site = "gap production" };
        settings.Access.Open = !guarded;
        (settings.Retention.Age, settings.Retention.FailureAge) = (null, null); // samples have fixed dates, and will be old one day
        change?.Invoke(settings);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var told = new Errors();
        builder.Logging.SetMinimumLevel(LogLevel.Error).AddProvider(told);
        builder.Services.AddSingleton(clock ?? TimeProvider.System).AddBelfryServer(settings);
        WebApplication app = builder.Build();
        app.MapBelfry(path);
        RouteGroupBuilder others = app.MapGroup("/others");
        Guard.Protect(others);
        more?.Invoke(others);
        await app.StartAsync(Cancel);
        var host = new ServerHost(folder, app, told);
        if (guarded)
        {
            await host.AddUserAsync("mara", Role.Admin);
            await host.AddTokenAsync("reader", Token, Scope.Read);
        }
        return host;
    }

    /// <summary>Adds an account with <see cref="Password"/>.</summary>
    public async Task AddUserAsync(string name, Role role, Func<Account, Account>? change = null)
    {
        var user = new Account { Name = name, Hash = PasswordHash, Role = role, Stamp = Secrets.New() };
        Assert.Equal(AccountChange.Done, await Access.AddAsync(change?.Invoke(user) ?? user, Actor.Command, Cancel));
        Get<AccountBook>().Forget();
    }

    /// <summary>Adds a token.</summary>
    public async Task AddTokenAsync(string name, string token, params Scope[] scopes)
    {
        Assert.Equal(AccountChange.Done, await Access.AddAsync(new AccessToken { Name = name, Hash = TokenHash.Of(token), Scopes = scopes }, Actor.Command, Cancel));
        Get<AccountBook>().Forget();
    }

    public AccessStore Access => Get<AccessStore>();

    /// <summary>A part of the server.</summary>
    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public Task AppendAsync(params IReadOnlyList<TaskEvent> events) => Log.AppendAsync(events, Cancel);

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return Client.SendAsync(request, Cancel);
    }

    /// <summary>What an address answers as JSON.</summary>
    public async Task<JsonElement> JsonAsync(string path, HttpStatusCode wanted = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await GetAsync(path);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    /// <summary>From now on the client sends the token.</summary>
    public ServerHost WithToken()
    {
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return this;
    }

    /// <summary>Asks the server to stop, as Ctrl-C does.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    sealed class Errors : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
