using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Celery.Tests.Sources;

/// <summary>A source that listens and a log that it writes, as the server has them.</summary>
sealed class Watched : IAsyncDisposable
{
    readonly ServiceProvider _services;
    readonly IHostedService _source;

    Watched(RunLog log, ServiceProvider services) =>
        (Log, _services, _source) = (log, services, services.GetServices<IHostedService>().Single());

    /// <summary>The log.</summary>
    public RunLog Log { get; }

    /// <summary>What can be asked of it.</summary>
    public RunQueries Queries => Log.Queries;

    /// <summary>Opens the log and begins to listen.</summary>
    public static async Task<Watched> StartAsync(SourceSettings settings, TimeSpan? lostAfter = null, string store = "memory:")
    {
        RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(store), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(TimeProvider.System).AddSingleton(log).AddCelerySources([settings], lostAfter ?? CelerySources.DefaultLostAfter);
        var watched = new Watched(log, services.BuildServiceProvider());
        await watched._source.StartAsync(CancellationToken.None);
        return watched;
    }

    /// <summary>Waits until the source listens.</summary>
    public Task ListeningAsync() => SourceAsync("it listens", source => source.Problem is null && Instant.Now(TimeProvider.System) - source.ListenedTo < TimeSpan.FromSeconds(5));

    /// <summary>Waits for a state of the source.</summary>
    public Task<SourceStatus> SourceAsync(string what, Func<SourceStatus, bool> holds) => Eventually.GetAsync(what, async () =>
        (await Queries.SourcesAsync(CancellationToken.None)).FirstOrDefault(holds));

    /// <summary>Waits until a run has so many attempts of which the last is in this state.</summary>
    public Task<IReadOnlyList<TaskRun>> RunAsync(string id, RunState state, int attempts = 1) => Eventually.GetAsync($"{id} {state}", async () =>
    {
        IReadOnlyList<TaskRun> rows = await Queries.FindAsync(id, null, CancellationToken.None);
        return rows.Count >= attempts && rows[^1].State == state ? rows : null;
    });

    /// <summary>Waits until a worker is judged so.</summary>
    public Task<WorkerStatus> WorkerAsync(string name, bool online) => Eventually.GetAsync($"{name} online: {online}", async () =>
        (await Queries.WorkersAsync(CancellationToken.None)).FirstOrDefault(worker => worker.Name == name && worker.Online == online));

    /// <summary>Stops as the host does, and closes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await _source.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
        await Log.DisposeAsync();
    }
}
