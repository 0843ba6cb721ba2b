using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Runs one attempt at a task, wherever its options say, and tells how it ended.</summary>
public sealed class TaskRunner : IDisposable
{
    readonly RunResources _resources;
    readonly RunRecords _records;
    readonly SemaphoreSlim _processes;

    internal TaskRunner(RunResources resources) =>
        (_resources, _records, _processes) = (resources, new RunRecords(resources.Logger), new SemaphoreSlim(resources.Options.MaxProcesses));

    /// <summary>How many more runs in processes of their own may begin now; beyond that they wait for one to end.</summary>
    public int FreeProcesses => _processes.CurrentCount;

    /// <summary>Runs an attempt. Whatever the body does, this does not throw.</summary>
    /// <param name="task">The task.</param>
    /// <param name="order">What is ordered.</param>
    /// <param name="report">Gets what the body reports while it is at work: progress and context. Start and end are the caller's to log (<see cref="RunEvents"/>).</param>
    /// <param name="stop">Cancelled to end it: it then stands as Cancelled, and the caller knows why.</param>
    /// <returns>How it ended. It may return before the body has let go: <see cref="RunOutcome.Released"/>.</returns>
    public async Task<RunOutcome> RunAsync(TaskDefinition task, RunOrder order, Action<TaskEvent> report, CancellationToken stop)
    {
        _records.Started(task.Name, order.Id, order.Attempt);
        long began = _resources.Clock.GetTimestamp();
        RunOutcome outcome = await (task.Options.Execution == Execution.Process ? InProcessAsync(task, order, report, stop) : HereAsync(task, order, report, stop)) with { Runtime = _resources.Clock.GetElapsedTime(began) };
        if (outcome.Kind == EventKind.Succeeded)
        {
            _resources.Returns.Set(task.Name, outcome.Value);
        }
        _records.Ended(task.Name, order.Id, order.Attempt, outcome);
        return outcome;
    }

    /// <inheritdoc/>
    public void Dispose() => _processes.Dispose();

    /// <summary>A function that is reported is at work in this process under that id.</summary>
    internal bool IsReported(string id) => _resources.Reported.ContainsKey(id);

    /// <summary>Runs an attempt for the parent, which judges time and tells the outcome.</summary>
    internal async Task<RunOutcome> RunAsChildAsync(TaskDefinition task, ChildOrder order, Action<TaskEvent> report, CancellationToken stop)
    {
        foreach ((string other, JsonElement value) in order.Returns)
        {
            _resources.Returns.Take(other, value);
        }
        TaskDefinition unlimited = task with { Options = task.Options with { Execution = Execution.Async, Permanent = true } };
        return await HereAsync(unlimited, order.Run, report, stop);
    }

    /// <summary>In a process of its own, as soon as one more is allowed; the time of waiting counts for its limit.</summary>
    async Task<RunOutcome> InProcessAsync(TaskDefinition task, RunOrder order, Action<TaskEvent> report, CancellationToken stop)
    {
        using var limit = new RunLimit(LimitOf(task), _resources.Clock, stop);
        try
        {
            await _processes.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return RunOutcome.Cancelled(limit.Reason!);
        }
        try
        {
            return await new ChildRun(task, order, _resources, report, limit).RunAsync();
        }
        catch (Exception e)
        {
            return limit.Reason is { } reason ? RunOutcome.Cancelled(reason, e) : RunOutcome.Failure(new UnpreparedException("the process of the run cannot be started", e));
        }
        finally
        {
            _processes.Release();
        }
    }

    static TimeSpan LimitOf(TaskDefinition task) => task.Options.Permanent ? Timeout.InfiniteTimeSpan : task.Options.Timeout;

    /// <summary>In this process. One that does not end when it is told to is left alone; it has an outcome, and holds its slot.</summary>
    async Task<RunOutcome> HereAsync(TaskDefinition task, RunOrder order, Action<TaskEvent> report, CancellationToken stop)
    {
        var limit = new RunLimit(LimitOf(task), _resources.Clock, stop);
        Task<RunOutcome> body = Begin(task, new TaskRunContext(task, order, _resources, report), limit);
        if (!body.IsCompleted && await Task.WhenAny(body, limit.GivenUp) != body)
        {
            return RunOutcome.Cancelled(limit.Reason!) with { Released = body };
        }
        return await body;
    }

    Task<RunOutcome> Begin(TaskDefinition task, TaskRunContext run, RunLimit limit) =>
        task.Options.Execution == Execution.Inline ? BodyAsync(task, run, limit)
        : task.Options.LongRunning ? Task.Factory.StartNew(() => BodyAsync(task, run, limit), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()
        : Task.Run(() => BodyAsync(task, run, limit));

    async Task<RunOutcome> BodyAsync(TaskDefinition task, TaskRunContext run, RunLimit limit)
    {
        using RunLimit limited = limit;
        try
        {
            object? value = await CallAsync(task, run, limit.Token);
            return limit.Reason is { } reason ? RunOutcome.Cancelled(reason) : RunOutcome.Success(value, _resources.Options.Json);
        }
        catch (Exception e)
        {
            return limit.Reason is { } reason ? RunOutcome.Cancelled(reason, e) : RunOutcome.Failure(e, _resources.Options.Json);
        }
    }

    static async Task<object?> CallAsync(TaskDefinition task, TaskRunContext run, CancellationToken cancel)
    {
        using IDisposable? scope = run.Logger.BeginScope(new RunScope(task.Name, run.RunId));
        try
        {
            return await task.Handler(run, cancel);
        }
        finally
        {
            await run.EndAsync();
        }
    }

    /// <summary>What each record that a body logs carries.</summary>
    readonly record struct RunScope(string Task, string RunId)
    {
        public override string ToString() => $"task {Task}, run {RunId}";
    }
}
