namespace Belfry;

/// <summary>What is to be done about a task.</summary>
enum Verdict
{
    /// <summary>Nothing yet.</summary>
    Wait,

    /// <summary>It starts.</summary>
    Start,

    /// <summary>The run at work is ended; then it starts.</summary>
    Replace,
}

/// <summary>What is to be done about a task that was looked at, and when to look again. Pure.</summary>
/// <param name="Verdict">What is to be done.</param>
/// <param name="Again">When to look again if nothing happens; null for not before something does.</param>
/// <param name="Standby">How its being due stands from now on.</param>
/// <param name="Holds">Its condition holds.</param>
readonly record struct Decision(Verdict Verdict, Instant? Again, Standby Standby, bool Holds)
{
    /// <summary>Decides about a task's next start.</summary>
    /// <param name="task">The task.</param>
    /// <param name="context">What its condition may know.</param>
    /// <param name="standby">How its being due stands.</param>
    /// <param name="atWork">A run of it is at work.</param>
    /// <param name="chance">From 0 to 1, for its jitter.</param>
    public static Decision Of(TaskDefinition task, ConditionContext context, Standby standby, bool atWork, double chance)
    {
        OverlapPolicy overlap = task.Options.Overlap;
        if (atWork && (overlap == OverlapPolicy.Skip || standby.IsQueued))
        {
            return new Decision(Verdict.Wait, null, standby, false); // the end of the run at work wakes it
        }
        bool holds = task.Start.Holds(context);
        if (!holds)
        {
            return standby.IsQueued
                ? new Decision(Verdict.Start, null, default, holds)
                : new Decision(Verdict.Wait, task.Start.NextChange(context), default, holds);
        }
        if (atWork)
        {
            return standby.IsSpent ? new Decision(Verdict.Wait, task.Start.NextChange(context), standby, holds) : Beside(overlap);
        }
        return task.Options.Jitter > TimeSpan.Zero && !standby.IsQueued ? PutOff(task, context, standby, chance) : new Decision(Verdict.Start, null, default, holds);
    }

    /// <summary>
    /// The id and attempt of the run that a start which is due now goes on with, as a retry or a rerun after a crash; null when it is a new run.
    /// </summary>
    public static (string Id, int Attempt)? Resumed(TaskDefinition task, ConditionContext context, string source)
    {
        PastRun? last = context.Mine.Standing(CrashPolicy.Wait).Last;
        bool mayBe = last is { } run && run.Key.Source == source && (run.IsRetryable || run.State == RunState.Lost);
        return mayBe && task.Start.Holds(context) && !task.Start.StartsAnew(context) ? (last!.Value.Key.Id, last.Value.Attempt + 1) : null;
    }

    /// <summary>It is due while a run is at work.</summary>
    static Decision Beside(OverlapPolicy overlap) => overlap switch
    {
        OverlapPolicy.Allow => new Decision(Verdict.Start, null, default, true),
        OverlapPolicy.Replace => new Decision(Verdict.Replace, null, new Standby(IsQueued: true, default, null), true),
        _ => new Decision(Verdict.Wait, null, new Standby(IsQueued: true, default, null), true),
    };

    /// <summary>By chance, and never beyond the end of what holds.</summary>
    static Decision PutOff(TaskDefinition task, ConditionContext context, Standby standby, double chance)
    {
        Instant? change = task.Start.NextChange(context);
        if (standby.PutOff is not { } until)
        {
            TimeSpan most = change - context.Now < task.Options.Jitter ? change!.Value - context.Now : task.Options.Jitter;
            until = context.Now + (most * chance);
        }
        return until <= context.Now
            ? new Decision(Verdict.Start, null, default, true)
            : new Decision(Verdict.Wait, change < until ? change : until, standby with { PutOff = until }, true);
    }
}
