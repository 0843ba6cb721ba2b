using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Tests.Calling;

/// <summary>A process that executes what is called, with its log in memory.</summary>
sealed class Counter : IAsyncDisposable
{
    readonly ServiceProvider _services;

    Counter(ServiceProvider services) => _services = services;

    public IBelfryClient Client => _services.GetRequiredService<IBelfryClient>();

    public IRunLogStore Log => _services.GetRequiredService<IRunLogStore>();

    QueueWorker Worker => _services.GetRequiredService<QueueWorker>();

    public static async Task<Counter> OpenAsync(Action<BelfryBuilder> tasks, Action<IServiceCollection>? services = null)
    {
        var all = new ServiceCollection();
        services?.Invoke(all);
        var counter = new Counter(all.AddBelfry(tasks).BuildServiceProvider(validateScopes: true));
        await counter.Worker.StartAsync(CancellationToken.None);
        return counter;
    }

    public async Task<TaskRun> RunAsync(string id) => (await Log.ListAsync(RunQuery.Where(RunFields.Id == id), CancellationToken.None)).MaxBy(run => run.Attempt)!;

    /// <summary>All attempts, the first one first.</summary>
    public async Task<IReadOnlyList<TaskRun>> RunsAsync(string id) =>
        [.. (await Log.ListAsync(RunQuery.Where(RunFields.Id == id), CancellationToken.None)).OrderBy(run => run.Attempt)];

    /// <summary>Stops as a host does: it waits, and when its time is up it goes.</summary>
    public Task StopAsync(CancellationToken late) => Worker.StopAsync(late);

    public async ValueTask DisposeAsync()
    {
        await Worker.StopAsync(new CancellationToken(canceled: true));
        await _services.DisposeAsync();
    }
}
