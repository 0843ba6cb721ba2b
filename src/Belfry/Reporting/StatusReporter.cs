namespace Belfry;

/// <summary>
/// Reports functions that something else calls: <c>await taskStatus.ReportAsync("import", () => ImportAsync())</c> logs a run with start, end and outcome.
/// </summary>
/// <remarks>
/// What the function returns or throws comes out unchanged. A log that cannot be reached neither fails nor delays it: what happened is written as soon as that
/// is possible. Cancellation, and the end of the process, are never success.
/// </remarks>
public sealed class StatusReporter : IAsyncDisposable
{
    readonly BelfryOptions _options;
    readonly TimeProvider _clock;
    readonly RunRecords _records;
    readonly ReportWriter _writer;
    readonly OpenReports _open;

    internal StatusReporter(RunResources resources, ReportWriter writer)
    {
        (_options, _clock, _records, _writer) = (resources.Options, resources.Clock, new RunRecords(resources.Logger), writer);
        _open = new OpenReports(resources.Reported, writer, Ended);
    }

    /// <summary>Runs a function and reports it under a name.</summary>
    /// <param name="name">The task's name in the log.</param>
    /// <param name="body">The function.</param>
    public Task ReportAsync(string name, Func<Task> body) => RunAsync(name, async () =>
    {
        await body().ConfigureAwait(false);
        return (object?)null;
    });

    /// <inheritdoc cref="ReportAsync(string, Func{Task})"/>
    /// <returns>What the function returns, which is the run's result as well.</returns>
    public Task<T> ReportAsync<T>(string name, Func<Task<T>> body) => RunAsync(name, body);

    /// <inheritdoc cref="ReportAsync(string, Func{Task})"/>
    public Task ReportAsync(string name, Action body) => RunAsync(name, () =>
    {
        body();
        return Task.FromResult<object?>(null);
    });

    /// <inheritdoc cref="ReportAsync{T}(string, Func{Task{T}})"/>
    public Task<T> ReportAsync<T>(string name, Func<T> body) => RunAsync(name, () => Task.FromResult(body()));

    /// <summary>Runs a function and reports it under the name of its <see cref="BelfryTaskAttribute"/>, else its own.</summary>
    /// <exception cref="ArgumentException">It is a lambda, which has no name.</exception>
    public Task ReportAsync(Func<Task> body) => ReportAsync(NameOf(body), body);

    /// <inheritdoc cref="ReportAsync(Func{Task})"/>
    public Task<T> ReportAsync<T>(Func<Task<T>> body) => ReportAsync(NameOf(body), body);

    /// <inheritdoc cref="ReportAsync(Func{Task})"/>
    public Task ReportAsync(Action body) => ReportAsync(NameOf(body), body);

    /// <inheritdoc cref="ReportAsync(Func{Task})"/>
    public Task<T> ReportAsync<T>(Func<T> body) => ReportAsync(NameOf(body), body);

    /// <summary>Writes what waits to be written, for five seconds at most.</summary>
    public ValueTask DisposeAsync()
    {
        _open.Dispose();
        return new(Apart.RunAsync(() => _writer.DisposeAsync().AsTask()));
    }

    async Task<T> RunAsync<T>(string name, Func<Task<T>> body)
    {
        TaskEvent started = Started(name);
        _open.Add(started);
        _writer.Add(started);
        _records.Started(name, started.Id, 1);
        long began = _clock.GetTimestamp();
        try
        {
            T value = await body().ConfigureAwait(false);
            End(started, RunOutcome.Success(value, _options.Json), began);
            return value;
        }
        catch (Exception e)
        {
            End(started, IsCancellation(e) ? RunOutcome.Cancelled("cancelled") : RunOutcome.Failure(e, _options.Json), began);
            if (_options.ReportedFailures == ReportedFailures.Throw)
            {
                throw;
            }
            Environment.ExitCode = 1;
            return default!;
        }
    }

    /// <summary>Somebody cancelled it. What took too long by its own limit, as a request of HttpClient's, has failed.</summary>
    static bool IsCancellation(Exception e) => e is OperationCanceledException and not { InnerException: TimeoutException };

    void End(TaskEvent started, RunOutcome outcome, long began)
    {
        outcome = outcome with { Runtime = _clock.GetElapsedTime(began) };
        _open.Remove(started);
        _writer.Add(Ended(started, outcome));
        _records.Ended(started.Task!, started.Id, 1, outcome);
    }

    TaskEvent Started(string name)
    {
        Instant now = Instant.Now(_clock);
        return RunEvents.Started(name, new RunOrder { Source = _options.Source, Id = Guid.CreateVersion7(now.ToDateTimeOffset()).ToString() }, _options.ProcessName, now);
    }

    TaskEvent Ended(TaskEvent started, RunOutcome outcome) =>
        RunEvents.Ended(started.Task!, new RunOrder { Source = started.Source, Id = started.Id }, outcome, started.Worker!, Instant.Now(_clock));

    static string NameOf(Delegate body) =>
        TaskNames.OfFunction(body.Method) ?? throw new ArgumentException("a lambda has no name: report it under one", nameof(body));
}

/// <summary>What becomes of a failure of a function that is reported.</summary>
public enum ReportedFailures
{
    /// <summary>Whoever called it gets its exception.</summary>
    Throw = 0,

    /// <summary>Whoever called it gets nothing, and the program's exit code is 1.</summary>
    ExitCode = 1,
}
