namespace Belfry;

/// <summary>When a call that failed is tried again: the <c>retry</c> in its task's condition decides, of this run alone, for many of one task may be at work.</summary>
sealed class CallRetries(BelfryOptions options, TaskSurroundings surroundings)
{
    /// <summary>From when on the next attempt may start; null when the end of this one stands.</summary>
    /// <exception cref="Exception">Whatever a function in the condition throws.</exception>
    public Instant? After(TaskDefinition task, ClaimedCall call, RunOutcome outcome, Instant started, Instant ended)
    {
        bool timedOut = outcome is { Kind: EventKind.Cancelled, Reason: "timeout" };
        // A body that ignores its end is still at work: it would be twice.
        bool mayRetry = (timedOut || outcome.Kind == EventKind.Failed) && outcome.Released.IsCompleted && task.Start.Leaves.Any(leaf => leaf is RetryCondition);
        var run = new PastRun((CallEvents.Source, call.Call.Id), call.Attempt, started, ended, RunState.Failed, timedOut);
        return mayRetry ? task.Start.RetryAt(ContextOf(task, TaskHistory.None.With(run), ended)) : null;
    }

    ConditionContext ContextOf(TaskDefinition task, TaskHistory own, Instant now) => surroundings.Of(task) with
    {
        Now = now, Own = own, Zone = task.Options.TimeZone ?? options.TimeZone, Misfire = task.Options.Misfire, CatchUp = task.Options.CatchUp,
        AfterFinishAnyEnd = options.AfterFinishAnyEnd,
    };
}
