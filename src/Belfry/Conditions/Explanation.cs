using System.Text;

namespace Belfry;

/// <summary>Why a condition holds or not: a tree as deep as the condition.</summary>
public sealed record Explanation
{
    /// <summary>The condition, in its text form.</summary>
    public required string Text { get; init; }

    /// <summary>It holds.</summary>
    public required bool Holds { get; init; }

    /// <summary>When that changes if nothing happens; null when it does not.</summary>
    public required Instant? NextChange { get; init; }

    /// <summary>The fact that decides, in words; null where the parts tell.</summary>
    public string? Because { get; init; }

    /// <summary>The parts.</summary>
    public IReadOnlyList<Explanation> Parts { get; init; } = [];

    /// <summary>The tree as lines of text, each part two spaces deeper.</summary>
    public override string ToString()
    {
        var lines = new StringBuilder();
        Write(lines, 0);
        return lines.ToString().TrimEnd('\n');
    }

    void Write(StringBuilder lines, int depth)
    {
        lines.Append(' ', depth * 2).Append(Holds ? "true   " : "false  ").Append(Text);
        lines.Append(Because is null ? "" : $": {Because}").Append(NextChange is { } at ? $" (until {at})" : "").Append('\n');
        foreach (Explanation part in Parts)
        {
            part.Write(lines, depth + 1);
        }
    }
}
