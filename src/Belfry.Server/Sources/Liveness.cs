namespace Belfry.Server.Sources;

/// <summary>Whether a worker lives, and what its silence means for its runs: pure decisions on what was heard of it.</summary>
/// <remarks>
/// A worker is Offline after twice its heartbeat interval. Silent for <c>LostAfter</c> more, its runs that had not started go back to Pending,
/// and the running ones are Lost. Said to stop (<c>worker-offline</c>) and not heard of again, it gives back at once what had not started; what
/// runs may end for ten minutes. Only silence within an unbroken stream counts: our own absence proves nothing.
/// </remarks>
public static class Liveness
{
    /// <summary>The reason of what is inferred.</summary>
    public const string Reason = "worker gone";

    // Celery's heartbeat expires after 200 % of its interval.
    const double BeatsMissed = 2;

    // Celery has no time limit by default, and none of it is in the events.
    static readonly TimeSpan TimeToLeave = TimeSpan.FromMinutes(10);

    /// <summary>Judges one process of a worker.</summary>
    /// <param name="signs">What was heard of it.</param>
    /// <param name="unbrokenSince">Since when nothing was missed; null while the source is not listened to.</param>
    /// <param name="now">Everything that arrived until then was read.</param>
    /// <param name="lostAfter">How long an offline worker may be silent before its runs are lost.</param>
    public static WorkerVerdict Judge(in WorkerSigns signs, Instant? unbrokenSince, Instant now, TimeSpan lostAfter)
    {
        // Who never beat (--without-heartbeat) says nothing by its silence.
        if (unbrokenSince is not { } unbroken || signs.Frequency is not { } frequency || frequency <= 0)
        {
            return WorkerVerdict.Unknown;
        }
        TimeSpan expected = TimeSpan.FromSeconds(Math.Min(frequency * BeatsMissed, TimeToLeave.TotalSeconds));
        if (signs.LeftHeard is { } left)
        {
            TimeSpan away = now - Instant.Max(left, unbroken);
            return away > TimeToLeave ? WorkerVerdict.Gone : away > expected ? WorkerVerdict.Left : WorkerVerdict.Offline;
        }
        TimeSpan silent = now - Instant.Max(signs.LastHeard, unbroken);
        return silent > expected + lostAfter ? WorkerVerdict.Gone : silent > expected ? WorkerVerdict.Offline : WorkerVerdict.Alive;
    }

    /// <summary>What a verdict means for the open runs of a worker.</summary>
    /// <param name="signs">The process that was judged.</param>
    /// <param name="verdict">How.</param>
    /// <param name="successor">The first sign, as sent, of the process that took its name; null while none has. What began after it is not of this process.</param>
    /// <param name="open">The worker's open runs.</param>
    public static IEnumerable<TaskEvent> Consequences(WorkerSigns signs, WorkerVerdict verdict, Instant? successor, IReadOnlyList<TaskRun> open)
    {
        // Two processes that beat by turns under one name cannot be told apart by what they run.
        if (verdict < WorkerVerdict.Left || successor < signs.LastSent)
        {
            yield break;
        }
        foreach (TaskRun run in open)
        {
            EventKind? kind = run.State switch
            {
                RunState.Queued => EventKind.Requeued,
                RunState.Running when verdict == WorkerVerdict.Gone => EventKind.Lost,
                _ => null,
            };
            if (kind is { } inferred && run.Task is not null && (successor is null || BeganAt(run) < successor))
            {
                yield return new TaskEvent
                {
                    Source = run.Source, Id = run.Id, Kind = inferred, Attempt = run.Attempt, Worker = signs.Worker, Reason = Reason,
                    // Not before the run itself: then it would say nothing about it.
                    At = Instant.Max(signs.LastSent, BeganAt(run)),
                };
            }
        }
    }

    static Instant BeganAt(TaskRun run) => run.Started ?? run.Received ?? run.First;
}

/// <summary>How a process of a worker is judged. The order is that of getting worse.</summary>
public enum WorkerVerdict
{
    /// <summary>Nothing can be said.</summary>
    Unknown = 0,

    /// <summary>It beats.</summary>
    Alive = 1,

    /// <summary>It missed its beats, or said that it stops.</summary>
    Offline = 2,

    /// <summary>It said that it stops, and was not heard of since: what had not started goes back to its queue.</summary>
    Left = 3,

    /// <summary>It is gone, and its runs with it.</summary>
    Gone = 4,
}

/// <summary>What was heard of one process of a worker.</summary>
/// <param name="Worker">Its node name.</param>
/// <param name="Pid">The process; null while no beat told it.</param>
/// <param name="Frequency">Seconds between its beats; null while there was none.</param>
/// <param name="FirstSent">Its first sign of life, as sent.</param>
/// <param name="LastSent">Its last sign of life, as sent.</param>
/// <param name="LastHeard">When that arrived.</param>
/// <param name="LeftHeard">When its <c>worker-offline</c> arrived, unless it has beaten since.</param>
public readonly record struct WorkerSigns(
    string Worker, int? Pid, double? Frequency, Instant FirstSent, Instant LastSent, Instant LastHeard, Instant? LeftHeard = null)
{
    /// <summary>When it last came, or came back to its broker, as sent: what it held before it has forgotten.</summary>
    public Instant? CameSent { get; init; }

    /// <summary>Runs at work there, by its last beat.</summary>
    public long? Active { get; init; }

    /// <summary>With one more event of this process.</summary>
    public WorkerSigns With(TaskEvent sign, Instant arrived) => this with
    {
        Pid = sign.Beat?.Pid ?? Pid,
        Frequency = sign.Beat?.Frequency ?? Frequency,
        LastSent = Instant.Max(LastSent, sign.Shown),
        LastHeard = Instant.Max(LastHeard, arrived),
        CameSent = sign.Kind == EventKind.WorkerOnline ? sign.Shown : CameSent,
        Active = sign.Beat?.Active ?? Active,
        LeftHeard = sign.Kind switch
        {
            EventKind.WorkerOffline => arrived,
            // A beat after it: the worker had only lost its broker for a moment.
            EventKind.WorkerOnline or EventKind.WorkerHeartbeat => null,
            _ => LeftHeard,
        },
    };
}
