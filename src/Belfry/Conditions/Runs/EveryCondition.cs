namespace Belfry;

/// <summary>What <c>every …</c> counts from.</summary>
public enum Based
{
    /// <summary>The last start.</summary>
    Run = 0,

    /// <summary>The last success.</summary>
    Success = 1,

    /// <summary>The last failure; a timeout is one.</summary>
    Failure = 2,

    /// <summary>The last end of any kind, save that of an attempt that was retried.</summary>
    Finish = 3,
}

/// <summary>So long after the last start or end, and never sooner than so long after the last start.</summary>
/// <remarks>Elapsed time: a change of the clock makes no difference.</remarks>
sealed record EveryCondition(TimeSpan Span, Based Based) : Condition
{
    internal override string Text => $"every {Durations.Text(Span)}" + (Based == Based.Run ? "" : $" based on {Based.ToString().ToLowerInvariant()}");

    internal override bool HoldsAt(ConditionContext context, Instant at) => !(Due(context.Standing) > at);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => Due(context.Standing) is { } due && due > at ? due : null;

    internal override string Because(ConditionContext context) => Due(context.Standing) is { } due ? $"due at {context.Show(due)}" : "never started";

    /// <summary>When it begins to hold; null when it always did.</summary>
    Instant? Due(Standing standing)
    {
        Instant? end = Based switch
        {
            Based.Success => standing.LastSuccess,
            Based.Failure => standing.LastFailure,
            Based.Finish => standing.LastEnd,
            _ => null,
        };
        return standing.LastStart is not { } start ? null : (end > start ? end.Value : start) + Span;
    }
}
