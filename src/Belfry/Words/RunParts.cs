namespace Belfry;

/// <summary>Parts of a run, for what is true of some of them. The numbers are stored: never change one.</summary>
[Flags]
public enum RunParts : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>When it was submitted.</summary>
    Submitted = 1,

    /// <summary>When a worker received it.</summary>
    Received = 2,

    /// <summary>When it began.</summary>
    Started = 4,

    /// <summary>When and how it ended.</summary>
    Finished = 8,

    /// <summary>That it is lost, or waits again.</summary>
    State = 16,
}

/// <summary>Names of parts, as the API has them.</summary>
public static class RunPartNames
{
    static readonly (RunParts Part, string Name)[] Names =
    [
        (RunParts.Finished, "finished"), (RunParts.Received, "received"), (RunParts.Started, "started"), (RunParts.State, "state"),
        (RunParts.Submitted, "submitted"),
    ];

    /// <summary>The names of these parts, in the order of the alphabet.</summary>
    public static IEnumerable<string> ToNames(this RunParts parts) => Names.Where(name => parts.HasFlag(name.Part)).Select(name => name.Name);

    /// <summary>The parts that have these names; others are passed over.</summary>
    public static RunParts Parse(IEnumerable<string?> names) =>
        names.Aggregate(RunParts.None, (parts, text) => parts | Names.FirstOrDefault(name => name.Name == text).Part);
}
