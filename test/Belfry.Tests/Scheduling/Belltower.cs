using System.Collections.Concurrent;
using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Tests.Scheduling;

/// <summary>A scheduler at work, with tasks registered as an application does, and a log.</summary>
sealed class Belltower : IAsyncDisposable, ILoggerProvider
{
    readonly ServiceProvider _services;

    public Belltower(Action<BelfryBuilder> tasks, IRunLogStore? log = null, TimeProvider? clock = null, Action<string>? onRecord = null)
    {
        OnRecord = onRecord ?? (_ => { });
        TimeProvider time = clock ?? TimeProvider.System;
        Log = log ?? new MemoryLog(time);
        _services = new ServiceCollection().AddSingleton(time).AddSingleton(Log).AddLogging(logging => logging.AddProvider(this)).AddBelfry(tasks).BuildServiceProvider();
        Scheduler = _services.GetRequiredService<Scheduler>();
    }

    public Scheduler Scheduler { get; }

    public IRunLogStore Log { get; }

    public TaskRegistry Tasks => _services.GetRequiredService<TaskRegistry>();

    public StatusReporter TaskStatus => _services.GetRequiredService<StatusReporter>();

    /// <summary>What was logged: category and text.</summary>
    public ConcurrentQueue<(string Category, LogLevel Level, string Text)> Diary { get; } = new();

    Action<string> OnRecord { get; }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<Belltower> OpenAsync(Action<BelfryBuilder> tasks, IRunLogStore? log = null, TimeProvider? clock = null, Action<string>? onRecord = null)
    {
        var tower = new Belltower(tasks, log, clock, onRecord);
        await tower.Scheduler.StartAsync(Cancel);
        return tower;
    }

    /// <summary>The runs of a task, oldest first.</summary>
    public async Task<IReadOnlyList<TaskRun>> RunsAsync(string task) => await Log.ListAsync(RunQuery.Where(RunFields.Task == task) with { OldestFirst = true }, Cancel);

    /// <summary>The runs of a task once there are so many, and all of them have ended.</summary>
    public async Task<IReadOnlyList<TaskRun>> EndedAsync(string task, int least = 1)
    {
        IReadOnlyList<TaskRun> runs = [];
        await Eventually.HoldsAsync($"{least} runs of {task} have ended", async () =>
        {
            runs = [.. (await RunsAsync(task)).Where(run => run.State.IsFinal())];
            return runs.Count >= least;
        });
        return runs;
    }

    /// <summary>Waits until it is at work.</summary>
    public Task WorkingAsync() => Eventually.HoldsAsync("the scheduler is at work", () => Scheduler.IsAtWork);

    public ILogger CreateLogger(string categoryName) => new Page(this, categoryName);

    public void Dispose()
    {
    }

    public async ValueTask DisposeAsync()
    {
        await Scheduler.ShutDownAsync(force: true);
        Scheduler.Dispose();
        await _services.DisposeAsync();
    }

    sealed class Page(Belltower tower, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            tower.Diary.Enqueue((category, logLevel, formatter(state, exception)));
            tower.OnRecord(category);
        }
    }
}
