using System.Globalization;

namespace Belfry;

/// <summary>How a number is compared.</summary>
enum Comparison
{
    AtLeast,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
}

/// <summary>What a count must be; at least one where nothing is said.</summary>
readonly record struct Counted(Comparison Comparison, int Number)
{
    static readonly string[] Signs = [">=", "==", "!=", "<", "<=", ">"];

    public static Counted Any { get; } = new(Comparison.AtLeast, 1);

    /// <summary>What follows the condition: <c> &gt;= 2</c>; nothing for any.</summary>
    public string Text => this == Any ? "" : $" {Signs[(int)Comparison]} {Number.ToString(CultureInfo.InvariantCulture)}";

    public static Comparison? Sign(string text) => Array.IndexOf(Signs, text) is >= 0 and var index ? (Comparison)index : null;

    public bool Accepts(int count) => Comparison switch
    {
        Comparison.AtLeast => count >= Number,
        Comparison.Equal => count == Number,
        Comparison.NotEqual => count != Number,
        Comparison.Less => count < Number,
        Comparison.AtMost => count <= Number,
        _ => count > Number,
    };
}
