using System.Globalization;

namespace Belfry;

/// <summary>The run that started last failed, was to be retried, or timed out; nothing runs, and its attempt is at most so many.</summary>
/// <param name="Limit">So many retries; null for no limit.</param>
/// <param name="Delay">How long after the end the first may start.</param>
/// <param name="Growth">By how much the delay grows with each attempt.</param>
sealed record RetryCondition(int? Limit, TimeSpan Delay, decimal Growth) : Condition
{
    /// <summary>Beyond these a growth is a slip of the finger.</summary>
    public const decimal LeastGrowth = 0.001m;

    /// <inheritdoc cref="LeastGrowth"/>
    public const decimal GreatestGrowth = 1000m;

    internal override string Text => "retry" + (Limit is { } limit ? $" {limit}" : "") + (Delay == TimeSpan.Zero ? "" : $" after {Durations.Text(Delay)}")
        + (Growth == 1 ? "" : $" times {Growth.ToString("0.############################", CultureInfo.InvariantCulture)}");

    internal override bool HoldsAt(ConditionContext context, Instant at) => Due(context) <= at;

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => Due(context) is { } due && due > at ? due : null;

    internal override string Because(ConditionContext context) => Due(context) is { } due
        ? $"attempt {context.Standing.Last!.Value.Attempt} failed; the next is due at {context.Show(due)}"
        : context.Standing.Last is not { } last ? "never started"
        : context.Standing.IsRunning ? "it is running"
        : last.Called ? "the last run was called: its queue tries it again"
        : !IsRetryable(last, context) ? "the last run did not fail"
        : $"attempt {last.Attempt} was the last";

    /// <summary>When it begins to hold; null when it does not before something happens.</summary>
    public Instant? Due(ConditionContext context)
    {
        Standing standing = context.Standing;
        bool mayRetry = standing.Last is { } last && IsRetryable(last, context) && !standing.IsRunning && !(last.Attempt > Limit);
        return mayRetry ? standing.Last!.Value.Ended!.Value + DelayAfter(standing.Last.Value.Attempt) : null;
    }

    TimeSpan DelayAfter(int attempt)
    {
        double ticks = Delay.Ticks * Math.Pow((double)Growth, attempt - 1);
        return ticks < TimeSpan.MaxValue.Ticks ? TimeSpan.FromTicks((long)ticks) : TimeSpan.MaxValue;
    }

    static bool IsRetryable(PastRun run, ConditionContext context) =>
        run is { Ended: not null, Called: false } && (run.IsRetryable || (context.RetryLost && run.State == RunState.Lost));
}
