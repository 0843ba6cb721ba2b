using System.Linq.Expressions;
using System.Text.Json;

namespace Belfry;

/// <summary>Calls tasks through the work queue of this process's log.</summary>
sealed class BelfryClient(IWorkQueue queue, IRunLogStore log, TaskRegistry tasks, BelfryOptions options, RunningCalls running, TimeProvider clock, ITaskBook? book = null) : IBelfryClient, IDisposable
{
    readonly CallWaits _waits = new(log);

    public Task<string> CallAsync(string task, object? args = null, CallOptions? how = null, CancellationToken cancel = default) =>
        PutAsync(task, CallArguments.Of(args, options.Json), how, cancel);

    public Task<string> CallAsync<TService>(Expression<Func<TService, Task>> call, CallOptions? how = null, CancellationToken cancel = default) =>
        CallTypedAsync(call, how, cancel);

    public Task<string> CallAsync<TService>(Expression<Action<TService>> call, CallOptions? how = null, CancellationToken cancel = default) =>
        CallTypedAsync(call, how, cancel);

    public async Task<T?> ResultAsync<T>(string id, CancellationToken cancel = default)
    {
        TaskRun run = await Apart.RunAsync(() => _waits.EndAsync(id, cancel)).ConfigureAwait(false);
        return run.State != RunState.Completed ? throw new CallFailedException(run) : run.Result is null ? default : JsonSerializer.Deserialize<T>(run.Result, options.Json);
    }

    public Task<bool> RevokeAsync(string id, CancellationToken cancel = default) => Apart.RunAsync(async () =>
        await queue.RevokeAsync(id, cancel) || running.Stop(id, CallEvents.Revoked) || await RevokeElsewhereAsync(id, cancel));

    public Task<bool> ReportProgressAsync(string task, RunContext? context, double? percent, string? text = null, CancellationToken cancel = default) => Apart.RunAsync(async () =>
    {
        var open = RunQuery.Where(RunFields.Task == task, RunFields.State.In(RunState.Pending, RunState.Queued, RunState.Running));
        await foreach (TaskRun run in log.ReadAsync(open, cancel).WithCancellation(cancel))
        {
            if (context is null || run.Context == context)
            {
                await log.AppendAsync([CallEvents.Progress(run, percent, text, Instant.Now(clock))], cancel);
                return true;
            }
        }
        return false;
    });

    public Task<IReadOnlyList<TaskRun>> DeadLettersAsync(int limit = 100, CancellationToken cancel = default) => Apart.RunAsync(() =>
        log.ListAsync(RunQuery.Where(RunFields.State == RunState.Lost, RunFields.Reason == CallEvents.DeadLetter) with { Limit = limit }, cancel));

    public Task<string> CallAgainAsync(string id, CancellationToken cancel = default) => Apart.RunAsync(async () =>
    {
        IReadOnlyList<TaskRun> attempts = await log.ListAsync(RunQuery.Where(RunFields.Id == id), cancel);
        TaskRun run = attempts.MaxBy(attempt => attempt.Attempt) ?? throw new ArgumentException($"the log knows no run {id}", nameof(id));
        QueuedCall call = Again.Of(run, NewId(), Instant.Now(clock));
        await queue.PutAsync(call, cancel);
        if (CallEvents.IsDeadLetter(run))
        {
            await log.AppendAsync([CallEvents.Settled(run, call.Id, Instant.Now(clock))], cancel);
        }
        return call.Id;
    });

    public void Dispose() => _waits.Dispose();

    /// <summary>Whoever has it at work reads in the book that it is to end.</summary>
    async Task<bool> RevokeElsewhereAsync(string id, CancellationToken cancel)
    {
        TaskRun? run = book is null ? null : (await log.ListAsync(RunQuery.Where(RunFields.Id == id), cancel)).MaxBy(run => run.Attempt);
        if (run is not { Source: CallEvents.Source } || run.State.IsFinal())
        {
            return false;
        }
        await book!.StopAsync(id, CallEvents.Revoked, Instant.Now(clock), cancel);
        return true;
    }

    Task<string> CallTypedAsync(LambdaExpression call, CallOptions? how, CancellationToken cancel)
    {
        (string task, string? kwargs) = TypedCall.Read(call, options.Json);
        return PutAsync(task, new CallArguments(null, kwargs), how, cancel);
    }

    async Task<string> PutAsync(string name, CallArguments arguments, CallOptions? how, CancellationToken cancel)
    {
        TaskDefinition? task = tasks.Find(name);
        if (task is null && !queue.IsShared)
        {
            throw new ArgumentException($"no task '{name}' is registered here; a service's methods are by AddCalls<…>()", nameof(name));
        }
        if (how is { Countdown: not null, Eta: not null })
        {
            throw new ArgumentException($"the call of '{name}' has a countdown and an instant: say one of them", nameof(how));
        }
        Instant now = Instant.Now(clock);
        string? key = how?.IdempotencyKey;
        var call = new QueuedCall
        {
            Id = key is null ? NewId() : CallIds.Of(name, key), IsKeyed = key is not null, Task = name, Submitted = now,
            Queue = how?.Queue ?? task?.Options.Queue ?? QueuedCall.DefaultQueue, Priority = how?.Priority ?? task?.Options.Priority ?? 0,
            Eta = how?.Countdown is { } countdown ? now + countdown : how?.Eta is { } eta ? Instant.From(eta) : null,
            Expires = how?.Expires is { } expires ? Instant.From(expires) : null,
            Args = arguments.Args, Kwargs = arguments.Kwargs, Shown = arguments.Shown(task),
            Parent = how?.CalledBy?.RunId, Root = how?.CalledBy is { } caller ? caller.Order.Root ?? caller.RunId : null,
        };
        await Apart.RunAsync(() => queue.PutAsync(call, cancel)).ConfigureAwait(false);
        return call.Id;
    }

    string NewId() => Guid.CreateVersion7(clock.GetUtcNow()).ToString();
}
