using System.Text.Json.Nodes;
using Belfry.Celery;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Results;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Runs of Celery's tasks, called, called again, revoked, and their results, for the API and the pages.</summary>
sealed class CeleryRuns(Clusters clusters, RunLog log, TimeProvider clock)
{
    // A commit takes a tenth of a second, where the disk takes it at all.
    static readonly TimeSpan NotedWithin = TimeSpan.FromSeconds(2);

    // While a result is waited for the log is looked at as well: a task may end without leaving one.
    static readonly TimeSpan Look = TimeSpan.FromSeconds(2), Glance = TimeSpan.FromMilliseconds(250), Asked = TimeSpan.FromSeconds(1);

    /// <summary>The cluster whose run it is; null when it is of no Celery cluster that is configured.</summary>
    public Cluster? ClusterOf(TaskRun run) => clusters.Find(run.Source);

    /// <summary>Calls a task.</summary>
    /// <param name="cluster">On this cluster.</param>
    /// <param name="call">The call.</param>
    /// <param name="force">The workers are not asked whether they know it.</param>
    /// <param name="cancel">Gives up.</param>
    public Task<RunAnswer> CallAsync(Cluster cluster, TaskCall call, bool force, CancellationToken cancel) => ReachedAsync(async () =>
    {
        if (!force && await RefusalAsync(cluster, call.Task, cancel) is { } refusal)
        {
            return refusal;
        }
        await cluster.Caller.CallAsync(call, cancel);
        // The workers tell the rest; that it was sent nobody tells but who sent it.
        string? queue = call.Exchange is null ? call.Queue ?? cluster.Celery.DefaultQueue : null;
        await NoteAsync((call with { Queue = queue }).Submitted(cluster.Name, Instant.Now(clock)));
        return RunAnswer.Done(call.Id);
    });

    /// <summary>Calls an ended run again, with what it was called with.</summary>
    public Task<RunAnswer> CallAgainAsync(Cluster cluster, TaskRun run, CancellationToken cancel) => ReachedAsync(async () =>
    {
        if (!run.State.IsFinal())
        {
            return RunAnswer.Refused(RunRefusal.Conflict, $"Run '{run.Id}' is {run.State}: it has not ended.");
        }
        ResultRecord? record = cluster.LikelyResults is { } results ? (await results.ReadAsync([run.Id], cancel)).GetValueOrDefault(run.Id) : null;
        TaskCall? call = PastCall.Of(run, record) ?? await OfMessageAsync(cluster, run, cancel);
        return call is not null ? await CallAsync(cluster, call, force: false, cancel) : RunAnswer.Refused(RunRefusal.Conflict, PastCall.WhyNot(run));
    });

    /// <summary>Tells the workers not to run it, or to end it.</summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="run">The run.</param>
    /// <param name="terminate">End it, too, if it is at work: its process is sent the signal.</param>
    /// <param name="signal">The signal's name: <c>TERM</c>, <c>KILL</c> …</param>
    /// <param name="cancel">Gives up.</param>
    public Task<RunAnswer> RevokeAsync(Cluster cluster, TaskRun run, bool terminate, string signal, CancellationToken cancel) => ReachedAsync(async () =>
    {
        if (run.State.IsFinal())
        {
            return RunAnswer.Refused(RunRefusal.Conflict, $"It has ended: {run.State}.");
        }
        var arguments = new JsonObject { ["task_id"] = run.Id, ["terminate"] = terminate, ["signal"] = $"SIG{signal}" };
        IReadOnlyList<string> live = await LiveAsync(cluster, cancel);
        ControlAnswer answer = await cluster.Control.AskAsync("revoke", arguments, [], Asked, live, cancel);
        // A worker that is busy does not answer and does it later. Where there is none nobody remembers it.
        return answer.Replies.Count > 0 || answer.Heard > 0 || live.Count > 0 ? RunAnswer.Done(run.Id)
            : RunAnswer.Refused(RunRefusal.Unanswered, "No worker is there to hear it, and the broker does not remember it.");
    });

    /// <summary>What became of a run; waits for its end. Null when nobody knows the run.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="source">Of which source; null for whichever knows it.</param>
    /// <param name="wait">How long its end is waited for.</param>
    /// <param name="cancel">Stops waiting.</param>
    public async Task<RunEnd?> EndAsync(string id, string? source, TimeSpan wait, CancellationToken cancel)
    {
        Instant end = Instant.Now(clock) + wait;
        while (true)
        {
            TaskRun? run = (await log.Queries.FindAsync(id, source, cancel)).MaxBy(found => found.Attempt);
            Cluster? cluster = run is not null ? ClusterOf(run) : source is not null ? clusters.Find(source) : clusters.All.Count == 1 ? clusters.All[0] : null;
            IResultBackend? results = cluster?.LikelyResults;
            ResultRecord? record = results is null ? null : (await results.ReadAsync([id], cancel)).GetValueOrDefault(id);
            TimeSpan left = end - Instant.Now(clock);
            if (record is { IsFinal: true } || HasEnded(run) || left <= TimeSpan.Zero)
            {
                return run is null && record is null ? null : new RunEnd(run, record);
            }
            TimeSpan look = cluster?.Results is null ? Glance : Look;
            look = left < look ? left : look;
            await (results?.WaitAsync(id, look, cancel) ?? Task.Delay(look, clock, cancel));
        }
    }

    /// <summary>The message is with the broker, and who called must not do it again: the log, which may wait for its disk, is not waited for long.</summary>
    async Task NoteAsync(TaskEvent sent)
    {
        try
        {
            await log.AppendAsync([sent], CancellationToken.None).WaitAsync(NotedWithin, clock, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // It has it, and writes it when it can.
        }
        catch (Exception refused) when (refused is StoreException or ObjectDisposedException)
        {
            log.Refuse(sent.Source, "event that the log did not take");
        }
    }

    static async Task<TaskCall?> OfMessageAsync(Cluster cluster, TaskRun run, CancellationToken cancel) =>
        await PastMessages.FindAsync(cluster.Queues, run.Queue ?? cluster.Celery.DefaultQueue, run.Id, cancel) is { } message ? PastCall.OfMessage(run, message) : null;

    // Another attempt follows a retried one, and the truth may still come about a lost one.
    static bool HasEnded(TaskRun? run) => run is not null && run.State.IsFinal() && run.State is not (RunState.Retried or RunState.Lost);

    /// <summary>Why a task should not be called; what workers say counts, and what the log knows where none answers.</summary>
    async Task<RunAnswer?> RefusalAsync(Cluster cluster, string task, CancellationToken cancel)
    {
        Registration said = await cluster.Caller.AskAsync(task, await LiveAsync(cluster, cancel), cancel);
        bool known = said.IsKnown || (said.Workers == 0 && (await log.Queries.SourcesOfTaskAsync(task, cancel)).Contains(cluster.Name));
        return known ? null : RunAnswer.Refused(said.Workers == 0 ? RunRefusal.Unanswered : RunRefusal.Unknown, said.Refusal!);
    }

    async Task<IReadOnlyList<string>> LiveAsync(Cluster cluster, CancellationToken cancel) =>
        KnownWorkers.Of(await log.Queries.WorkersAsync(cancel), cluster.Name, Instant.Now(clock)).Live;

    static async Task<RunAnswer> ReachedAsync(Func<Task<RunAnswer>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            return RunAnswer.Refused(RunRefusal.Unreachable, problem.Message);
        }
    }
}

/// <summary>What came of an act on a run: the id of the run that it made or changed, or why nothing came of it.</summary>
sealed record RunAnswer(string? Id, RunRefusal? Refusal, string Sentence)
{
    public static RunAnswer Done(string id) => new(id, null, "");

    public static RunAnswer Refused(RunRefusal refusal, string sentence) => new(null, refusal, sentence);
}

/// <summary>Why nothing came of an act.</summary>
enum RunRefusal
{
    /// <summary>Nobody knows such a task.</summary>
    Unknown,

    /// <summary>As things are, it cannot be done.</summary>
    Conflict,

    /// <summary>The broker cannot be reached, or refused.</summary>
    Unreachable,

    /// <summary>No worker answered, or none is there to hear it.</summary>
    Unanswered,
}

/// <summary>What is known of a run's end.</summary>
/// <param name="Run">By the log; null when it does not know it.</param>
/// <param name="Record">By the result backend; null when it keeps nothing of it.</param>
sealed record RunEnd(TaskRun? Run, ResultRecord? Record);
