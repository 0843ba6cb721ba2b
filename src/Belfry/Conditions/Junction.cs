namespace Belfry;

/// <summary>Several conditions of which all, or one, must hold. One in another of its kind is dissolved, so brackets make no difference.</summary>
sealed record Junction : Condition
{
    readonly Condition[] _parts;

    Junction(bool all, Condition[] parts) => (All, _parts, AskAgain) = (all, parts, parts.Min(part => part.AskAgain));

    /// <summary>All of them, else one of them.</summary>
    public bool All { get; }

    internal override string Text => string.Join(All ? " & " : " | ", _parts.Select(part => All && part is Junction ? $"({part.Text})" : part.Text));

    internal override IReadOnlyList<Condition> Parts => _parts;

    internal override TimeSpan? AskAgain { get; }

    /// <summary>Joins conditions; one alone is itself.</summary>
    public static Condition Of(bool all, params IEnumerable<Condition> parts)
    {
        Condition[] flat = [.. parts.SelectMany(part => part is Junction inner && inner.All == all ? inner._parts : [part])];
        return flat.Length == 1 ? flat[0] : new Junction(all, flat);
    }

    public bool Equals(Junction? other) => other is not null && other.All == All && _parts.AsSpan().SequenceEqual(other._parts);

    public override int GetHashCode() => _parts.Aggregate(All ? 1 : 2, HashCode.Combine);

    internal override bool HoldsAt(ConditionContext context, Instant at)
    {
        foreach (Condition part in _parts)
        {
            if (part.HoldsAt(context, at) != All)
            {
                return !All;
            }
        }
        return All;
    }

    /// <summary>
    /// An And that holds falls with the first of its parts. One that does not hold cannot before the last of those that block it has
    /// changed: look there, and if another blocks by then, go on. An Or is the same, mirrored.
    /// </summary>
    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search)
    {
        if (HoldsAt(context, at) == All)
        {
            return _parts.Min(part => search.ChangeOf(part, _parts.Length, context, at));
        }
        do
        {
            Instant last = at;
            foreach (Condition part in _parts)
            {
                if (part.HoldsAt(context, at) != All)
                {
                    if (search.ChangeOf(part, _parts.Length, context, at) is not { } change)
                    {
                        return null;
                    }
                    last = Instant.Max(last, change);
                }
            }
            at = last;
        }
        while (search.Step(at) && HoldsAt(context, at) != All);
        return search.Within(at);
    }

    internal override Condition Replace(Func<Condition, bool, Condition> leaf, bool positive) =>
        Of(All, _parts.Select(part => part.Replace(leaf, positive)));
}

/// <summary>Always, or never.</summary>
sealed record Constant(bool Value) : Condition
{
    internal override string Text => Value ? "always" : "never";

    internal override bool HoldsAt(ConditionContext context, Instant at) => Value;

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => null;
}

/// <summary>What must not hold.</summary>
sealed record Negation(Condition Inner) : Condition
{
    internal override string Text => Inner is Junction ? $"!({Inner.Text})" : $"!{Inner.Text}";

    internal override IReadOnlyList<Condition> Parts => [Inner];

    internal override TimeSpan? AskAgain => Inner.AskAgain;

    internal override bool HoldsAt(ConditionContext context, Instant at) => !Inner.HoldsAt(context, at);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) => Inner.ChangeAfter(context, at, search);

    internal override Condition Replace(Func<Condition, bool, Condition> leaf, bool positive) => new Negation(Inner.Replace(leaf, !positive));
}
