namespace Belfry;

/// <summary>The scheduler has been at work for so long, or not yet for so long.</summary>
sealed record SchedulerCondition(TimeSpan Age, bool Reached) : Condition
{
    internal override string Text => Reached ? $"scheduler has run over {Durations.Text(Age)}" : $"scheduler started {Durations.Text(Age)} ago";

    internal override bool HoldsAt(ConditionContext context, Instant at) => context.SchedulerStarted is { } start && start + Age <= at == Reached;

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) =>
        context.SchedulerStarted is { } start && start + Age > at ? start + Age : null;

    internal override string Because(ConditionContext context) =>
        context.SchedulerStarted is { } start ? $"it started at {context.Show(start)}" : "no scheduler is at work";
}

/// <summary>The host runs in the environment of that name, in any case of letters.</summary>
sealed record EnvironmentCondition(string Name) : Condition
{
    internal override string Text => $"env {Quotes.Of(Name)}";

    internal override bool HoldsAt(ConditionContext context, Instant at) => string.Equals(context.Environment, Name, StringComparison.OrdinalIgnoreCase);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => null;

    internal override string Because(ConditionContext context) => context.Environment is { } name ? $"it is '{name}'" : "there is none";
}

/// <summary>A parameter exists, or has that value.</summary>
sealed record ParameterCondition(string Name, string? Value) : Condition
{
    internal override string Text => $"param {Quotes.Of(Name)} " + (Value is null ? "exists" : $"is {Quotes.Of(Value)}");

    internal override bool HoldsAt(ConditionContext context, Instant at) => context.Parameter(Name) is { } value && (Value is null || value == Value);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => null;

    internal override string Because(ConditionContext context) => context.Parameter(Name) is null ? "it does not exist" : "it exists";
}
