namespace Belfry;

/// <summary>A function of the user's, known by its name: two of one name are equal.</summary>
/// <remarks>Nobody knows when its answer changes, so wherever it decides it is asked again after <see cref="Recheck"/>.</remarks>
public sealed record WhenCondition : Condition
{
    internal WhenCondition(string name, Delegate? test, TimeSpan recheck) => (Name, Test, Recheck) = (name, test, recheck);

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The function: it answers a bool, and its parameters are filled in by whoever asks it. Null where only the name is known.</summary>
    public Delegate? Test { get; }

    /// <summary>How long an answer stands.</summary>
    public TimeSpan Recheck { get; }

    internal override string Text => $"when {Quotes.Of(Name)}";

    internal override TimeSpan? AskAgain => Recheck;

    /// <summary>The name alone decides.</summary>
    public bool Equals(WhenCondition? other) => other?.Name == Name;

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    internal override bool HoldsAt(ConditionContext context, Instant at) => context.Ask(this);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => null;

    internal override string Because(ConditionContext context) => $"asked again after {Durations.Text(Recheck)}";
}
