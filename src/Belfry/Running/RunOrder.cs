namespace Belfry;

/// <summary>What is to be run: one attempt of a run.</summary>
public sealed record RunOrder
{
    /// <summary>The source under which it stands in the log.</summary>
    public required string Source { get; init; }

    /// <summary>The run's id.</summary>
    public required string Id { get; init; }

    /// <summary>The attempt, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Values for the handler's parameters in their order, a JSON array; null for none. Those of <see cref="Kwargs"/> are not counted.</summary>
    public string? Args { get; init; }

    /// <summary>Values for the handler's parameters by their names, a JSON object; null for none.</summary>
    public string? Kwargs { get; init; }

    /// <summary>Id of the run that called this one.</summary>
    public string? Parent { get; init; }

    /// <summary>Id of the first run of the family.</summary>
    public string? Root { get; init; }

    /// <summary>The queue from which it came; null when a condition started it.</summary>
    public string? Queue { get; init; }
}
