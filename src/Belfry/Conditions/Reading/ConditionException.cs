namespace Belfry;

/// <summary>The text of a condition is not understood.</summary>
/// <param name="what">What is wrong, and what was expected.</param>
/// <param name="position">Where, from 0.</param>
public sealed class ConditionException(string what, int position) : FormatException($"{what} (at {position + 1})")
{
    /// <summary>Where the mistake is, from 0.</summary>
    public int Position { get; } = position;

    /// <summary>What is wrong, without the position.</summary>
    public string What { get; } = what;
}
