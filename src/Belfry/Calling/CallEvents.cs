namespace Belfry;

/// <summary>What the log is told of a called run.</summary>
public static class CallEvents
{
    /// <summary>The source of runs that an application of Belfry's executes itself.</summary>
    public const string Source = "local";

    /// <summary>So many processes may die of a call; then it is a dead letter. Attempts that failed and were retried do not count.</summary>
    public const int MostDeaths = 5;

    /// <summary>The reason of a run that was lost with its process.</summary>
    public const string WorkerGone = "worker gone";

    /// <summary>The reason of a run that is not run again: its process died in every attempt.</summary>
    public const string DeadLetter = "dead letter";

    /// <summary>The reason of a run that somebody ended.</summary>
    public const string Revoked = "revoked";

    /// <summary>It was called, or is to run again.</summary>
    public static TaskEvent Submitted(QueuedCall call, int attempt = 1) => new()
    {
        Source = Source, Id = call.Id, Kind = EventKind.Submitted, At = call.Submitted, Attempt = attempt, Task = call.Task, Queue = call.Queue,
        Args = call.Shown is { } shown ? shown.Args : call.Args, Kwargs = call.Shown is { } all ? all.Kwargs : call.Kwargs, Eta = call.Eta, Expires = call.Expires, Priority = call.Priority == 0 ? null : call.Priority,
        Parent = call.Parent, Root = call.Root,
    };

    /// <summary>An attempt began.</summary>
    public static TaskEvent Started(ClaimedCall claimed, Instant at) => Of(claimed.Call.Id, claimed.Attempt, EventKind.Started, at) with { Worker = claimed.Worker };

    /// <summary>An attempt ended.</summary>
    public static TaskEvent Ended(ClaimedCall claimed, CallEnd end) => new()
    {
        Source = Source, Id = claimed.Call.Id, Kind = end.Kind, At = end.Finished, Attempt = claimed.Attempt, Worker = claimed.Worker,
        Result = end.Result, Exception = end.Exception, Traceback = end.Traceback,
        Reason = end.Kind == EventKind.Lost ? ReasonAfter(claimed.Deaths + 1) : end.Reason,
    };

    /// <summary>Too many processes died of it; it is not run again by itself.</summary>
    public static bool IsDeadLetter(TaskRun run) => run.State == RunState.Lost && run.Reason == DeadLetter;

    /// <summary>A dead letter was called again.</summary>
    public static TaskEvent Settled(TaskRun run, string by, Instant at) => Of(run.Id, run.Attempt, EventKind.Cancelled, at) with { Worker = run.Worker, Reason = $"called again as {by}" };

    /// <summary>How far an open run is, as told by somebody else.</summary>
    public static TaskEvent Progress(TaskRun run, double? percent, string? text, Instant at) => new()
    {
        Source = run.Source, Id = run.Id, Kind = EventKind.Progress, At = at, Attempt = run.Attempt, Percent = percent, Text = text,
    };

    /// <summary>The next attempt at a call of which so many processes have died; null when it had its last.</summary>
    public static QueuedCall? Next(QueuedCall call, int deaths, Instant now) => deaths < MostDeaths ? call with { Submitted = now, Eta = null } : null;

    /// <summary>The next attempt after an end: at a call whose process died, or one that is tried again; null when this was the last.</summary>
    public static QueuedCall? Next(ClaimedCall claimed, CallEnd end) =>
        end.RetryAt is { } due ? claimed.Call with { Submitted = end.Finished, Eta = due }
        : end.Kind == EventKind.Lost ? Next(claimed.Call, claimed.Deaths + 1, end.Finished)
        : null;

    /// <summary>A waiting call will not run.</summary>
    public static TaskEvent Cancelled(string id, int attempt, string reason, Instant at) => Of(id, attempt, EventKind.Cancelled, at) with { Reason = reason };

    /// <summary>The process of an attempt died: it began, and is lost.</summary>
    /// <param name="run">The run.</param>
    /// <param name="worker">Who had it.</param>
    /// <param name="claimed">When the worker got it: if nothing else was told, it began then.</param>
    /// <param name="found">When its death was noticed.</param>
    /// <param name="deaths">How many processes have died of it, this one included.</param>
    public static IEnumerable<TaskEvent> Lost(TaskRun run, string? worker, Instant claimed, Instant found, int deaths) =>
        Lost(run.Id, run.Attempt, run.Started, worker, claimed, found, deaths);

    /// <summary>The same, of a run of which only so much is known.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="started">When it began, if that was told.</param>
    /// <param name="worker">Who had it.</param>
    /// <param name="claimed">When the worker got it.</param>
    /// <param name="found">When its death was noticed.</param>
    /// <param name="deaths">How many processes have died of it, this one included.</param>
    public static IEnumerable<TaskEvent> Lost(string id, int attempt, Instant? started, string? worker, Instant claimed, Instant found, int deaths)
    {
        if (started is null)
        {
            yield return Of(id, attempt, EventKind.Started, claimed) with { Worker = worker };
        }
        yield return Of(id, attempt, EventKind.Lost, found) with { Worker = worker, Reason = ReasonAfter(deaths) };
    }

    static string ReasonAfter(int deaths) => deaths < MostDeaths ? WorkerGone : DeadLetter;

    /// <summary>The call of a run, as the log tells it.</summary>
    public static QueuedCall CallOf(TaskRun run) => new()
    {
        Id = run.Id, Task = run.Task!, Submitted = run.Submitted ?? run.First, Queue = run.Queue ?? QueuedCall.DefaultQueue, Priority = run.Priority ?? 0,
        Eta = run.Eta, Expires = run.Expires, Args = run.Args, Kwargs = run.Kwargs, Parent = run.Parent, Root = run.Root,
    };

    static TaskEvent Of(string id, int attempt, EventKind kind, Instant at) => new() { Source = Source, Id = id, Kind = kind, At = at, Attempt = attempt };
}
