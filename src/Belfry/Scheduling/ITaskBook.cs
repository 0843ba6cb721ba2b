namespace Belfry;

/// <summary>Where the tasks of all processes are registered: what they are, and what people have switched; it outlives processes and reaches all of them.</summary>
public interface ITaskBook
{
    /// <summary>Enters the tasks of a process, and says what is known of them.</summary>
    Task<IReadOnlyList<BookedTask>> RegisterAsync(IReadOnlyList<BookedTask> tasks, CancellationToken cancel);

    /// <summary>The process of these tasks is still there.</summary>
    Task SeenAsync(string process, Instant at, CancellationToken cancel);

    /// <summary>All tasks that were ever registered, by name.</summary>
    Task<IReadOnlyList<BookedTask>> ListAsync(CancellationToken cancel);

    /// <summary>Switches a task off or on, for all processes and over restarts.</summary>
    /// <returns>False when there is none of that name.</returns>
    Task<bool> DisableAsync(string task, bool disabled, CancellationToken cancel);

    /// <summary>Holds all conditions up, or lets them go, for all processes and over restarts.</summary>
    Task HoldAsync(bool hold, CancellationToken cancel);

    /// <summary>What people have switched.</summary>
    Task<TaskSwitches> SwitchesAsync(CancellationToken cancel);

    /// <summary>Tells whatever process has a run at work to end it: they look each second, and those that look later than a minute miss it. It counts as a switch.</summary>
    Task StopAsync(string run, string reason, Instant now, CancellationToken cancel);

    /// <summary>Runs that are to end, each with the reason.</summary>
    Task<IReadOnlyDictionary<string, string>> StopsAsync(CancellationToken cancel);
}

/// <summary>A task as the book has it.</summary>
public sealed record BookedTask
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The source under which its runs stand in the log.</summary>
    public required string Source { get; init; }

    /// <summary>Its condition, as text.</summary>
    public required string Start { get; init; }

    /// <summary>Its options, a JSON object.</summary>
    public required string Options { get; init; }

    /// <summary>The parameters that callers may give, a JSON array.</summary>
    public required string Parameters { get; init; }

    /// <summary>The process that registered it last.</summary>
    public required string Process { get; init; }

    /// <summary>When it was first registered.</summary>
    public required Instant Registered { get; init; }

    /// <summary>When that process was last there.</summary>
    public required Instant Seen { get; init; }

    /// <summary>What people have switched it to; null where nobody has.</summary>
    public bool? IsDisabled { get; init; }
}

/// <summary>What people have switched at runtime.</summary>
/// <param name="Number">Counted up with each switch.</param>
/// <param name="IsOnHold">No condition starts anything.</param>
/// <param name="Disabled">Tasks that were switched off (true) or on (false).</param>
public sealed record TaskSwitches(long Number, bool IsOnHold, IReadOnlyDictionary<string, bool> Disabled);
