using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Belfry.Tests.Runs;

/// <summary>Tasks, registered as an application does, and run one by one without a scheduler.</summary>
sealed class Workshop : IAsyncDisposable, ILoggerProvider, ILogger
{
    readonly ServiceProvider _services;

    public Workshop(Action<BelfryBuilder> tasks, Action<IServiceCollection>? services = null, TimeProvider? clock = null)
    {
        IServiceCollection all = new ServiceCollection().AddSingleton(clock ?? TimeProvider.System).AddLogging(logging => logging.AddProvider(this));
        services?.Invoke(all);
        _services = all.AddBelfry(tasks).BuildServiceProvider(validateScopes: true);
    }

    /// <summary>What was logged, as it reads.</summary>
    public ConcurrentQueue<(LogLevel Level, string Text, Exception? Error)> Diary { get; } = new();

    /// <summary>What bodies reported.</summary>
    public ConcurrentQueue<TaskEvent> Reports { get; } = new();

    public TaskRegistry Tasks => _services.GetRequiredService<TaskRegistry>();

    public Task<RunOutcome> RunAsync(string task, string? kwargs = null, string? args = null) => RunUntilAsync(task, CancellationToken.None, kwargs, args);

    public Task<RunOutcome> RunUntilAsync(string task, CancellationToken stop, string? kwargs = null, string? args = null) =>
        _services.GetRequiredService<TaskRunner>().RunAsync(
            Tasks.Find(task)!, new RunOrder { Source = "local", Id = "run-1", Attempt = 2, Args = args, Kwargs = kwargs }, Reports.Enqueue, stop);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Diary.Enqueue((logLevel, formatter(state, exception), exception));

    public void Dispose()
    {
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
