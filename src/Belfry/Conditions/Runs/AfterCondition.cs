namespace Belfry;

/// <summary>Another task succeeded, failed, finished or was terminated later than this one last started.</summary>
/// <param name="Task">The other.</param>
/// <param name="Action">What it did.</param>
sealed record AfterCondition(string Task, RunAction Action) : Condition
{
    internal override string Text => $"after task {Quotes.Of(Task)}" + (Action == RunAction.Succeeded ? "" : $" {Action.ToString().ToLowerInvariant()}");

    internal override string Asked => Task;

    internal override bool HoldsAt(ConditionContext context, Instant at) =>
        LastEnd(context) is { } end && !(end <= context.Standing.LastStart);

    /// <summary>Only a run changes it.</summary>
    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => null;

    internal override string Because(ConditionContext context)
    {
        string own = context.Standing.LastStart is { } start ? $"this one started last at {context.Show(start)}" : "this one never started";
        string other = $"'{Task}' {(Action == RunAction.Terminated ? "was terminated" : Action.ToString().ToLowerInvariant())}";
        return LastEnd(context) is { } end ? $"{other} last at {context.Show(end)}, {own}" : $"never: {other}";
    }

    Instant? LastEnd(ConditionContext context) => context.RunsOf(Task).Last(
        Action != RunAction.Finished ? Action : context.AfterFinishAnyEnd ? RunAction.DoneOrGone : RunAction.Done);
}
