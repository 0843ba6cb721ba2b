namespace Belfry;

/// <summary>In a matching minute in which the task has not started, or, by the clock alone, in any matching minute.</summary>
/// <remarks>Misfire stretches the minute, never beyond the next match: so several that were missed become one.</remarks>
sealed record CronCondition(CronExpression Expression, bool ClockOnly) : Condition
{
    internal override string Text => (ClockOnly ? "crontime " : "cron ") + Expression;

    internal override bool HoldsAt(ConditionContext context, Instant at) =>
        IsLostRunDue(context) || (MatchAt(context, at) is { } match && (ClockOnly || !(context.Standing.LastStart >= match)));

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search)
    {
        if (IsLostRunDue(context) || (Expression.IsAlways && Length(context) >= Expression.Unit && HoldsAt(context, at)))
        {
            return null;
        }
        Instant? next = Expression.Next(at, context.Offsets);
        if (!HoldsAt(context, at))
        {
            return search.Within(next);
        }
        Instant end = MatchAt(context, at)!.Value + Length(context);
        while (next <= end && search.Step(at))
        {
            at = next.Value;
            end = at + Length(context);
            next = Expression.Next(at, context.Offsets);
        }
        return search.Within(next <= end ? next : end);
    }

    internal override string Because(ConditionContext context) =>
        IsLostRunDue(context) ? $"its run of {context.Show(context.Standing.LostStart!.Value)} was lost"
        : MatchAt(context, context.Now) is not { } match ? $"no match at {context.Show(context.Now)}"
        : context.Standing.LastStart is { } start && start >= match && !ClockOnly ? $"started at {context.Show(start)}"
        : $"matches {context.Show(match)}";

    /// <summary>A run of a matching minute was lost, and nothing has started since: that minute lasts.</summary>
    bool IsLostRunDue(ConditionContext context) => !ClockOnly && context.Standing.LostStart is { } start && MatchAt(context, start) is not null;

    /// <summary>The match that lasts at an instant.</summary>
    Instant? MatchAt(ConditionContext context, Instant at) =>
        Expression.Previous(at, context.Offsets, at - Length(context) + TimeSpan.FromMicroseconds(1));

    TimeSpan Length(ConditionContext context) => ClockOnly ? Expression.Unit : context.Misfire;
}
