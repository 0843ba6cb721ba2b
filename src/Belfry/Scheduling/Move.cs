namespace Belfry;

/// <summary>Something that is to be done.</summary>
abstract record Move;

/// <summary>A run starts.</summary>
sealed record StartRun(Work Work) : Move;

/// <summary>A run at work is to end; the reason is with it.</summary>
sealed record StopRun(Work Work) : Move;

/// <summary>A promised retry will not start: the attempt stands as Retried and has failed.</summary>
sealed record BreakPromise(ScheduledTask Task, PastRun Failed, string Why) : Move
{
    /// <summary>What the log is told: of the outcomes of an attempt a failure counts more than a retry.</summary>
    public TaskEvent Event(string process) => new()
    {
        Source = Failed.Key.Source, Id = Failed.Key.Id, Kind = EventKind.Failed, At = Failed.Ended!.Value, Attempt = Failed.Attempt, Worker = process,
        Task = Task.Definition.Name, Reason = $"not retried: {Why}",
    };
}

/// <summary>A condition could not be asked.</summary>
sealed record ConditionBroken(ScheduledTask Task, Exception Problem, bool IsNew) : Move;
