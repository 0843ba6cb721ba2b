namespace Belfry;

/// <summary>What a run is doing, or how it ended. The numbers are stored: never change one.</summary>
public enum RunState : byte
{
    /// <summary>Submitted; no worker has it yet.</summary>
    Pending = 0,

    /// <summary>Finished successfully. It is 1 because SQLite stores 0 and 1 in no bytes, and most runs are this.</summary>
    Completed = 1,

    /// <summary>Received by a worker, or waiting in a local queue.</summary>
    Queued = 2,

    /// <summary>Executing.</summary>
    Running = 3,

    /// <summary>Finished with an error.</summary>
    Failed = 4,

    /// <summary>This attempt failed and another follows.</summary>
    Retried = 5,

    /// <summary>Revoked, rejected, terminated, or ended by Belfry's own time limit; the reason says which.</summary>
    Cancelled = 6,

    /// <summary>The task decided that there was nothing to do.</summary>
    Skipped = 7,

    /// <summary>The worker died or fell silent while the run was open; replaced when the truth arrives.</summary>
    Lost = 8,
}

/// <summary>Reads and sorts states: their names, and the names other systems have for them.</summary>
public static class RunStates
{
    static readonly Dictionary<string, RunState> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Pending"] = RunState.Pending, ["sent"] = RunState.Pending,
        ["Queued"] = RunState.Queued, ["RECEIVED"] = RunState.Queued, ["Enqueued"] = RunState.Queued, ["Scheduled"] = RunState.Queued,
        ["Running"] = RunState.Running, ["STARTED"] = RunState.Running, ["run"] = RunState.Running, ["Processing"] = RunState.Running,
        ["Completed"] = RunState.Completed, ["SUCCESS"] = RunState.Completed, ["succeeded"] = RunState.Completed, ["ok"] = RunState.Completed,
        ["Failed"] = RunState.Failed, ["FAILURE"] = RunState.Failed, ["fail"] = RunState.Failed, ["error"] = RunState.Failed,
        ["Stopped"] = RunState.Failed,
        ["Retried"] = RunState.Retried, ["RETRY"] = RunState.Retried, ["Invalidated"] = RunState.Retried,
        ["Cancelled"] = RunState.Cancelled, ["REVOKED"] = RunState.Cancelled, ["REJECTED"] = RunState.Cancelled,
        ["terminate"] = RunState.Cancelled, ["Deleted"] = RunState.Cancelled,
        ["Skipped"] = RunState.Skipped, ["inaction"] = RunState.Skipped, ["ignored"] = RunState.Skipped,
        ["Lost"] = RunState.Lost, ["crash"] = RunState.Lost,
    };

    /// <summary>All states in the order in which people look at them: troubles first.</summary>
    public static IReadOnlyList<RunState> All { get; } =
    [
        RunState.Failed, RunState.Lost, RunState.Retried, RunState.Running, RunState.Queued, RunState.Pending,
        RunState.Completed, RunState.Cancelled, RunState.Skipped,
    ];

    /// <summary>Reads a state by its name or an alias, in any case.</summary>
    public static bool TryParse(string? text, out RunState state) => Known.TryGetValue((text ?? "").Trim(), out state);

    /// <summary>Reads a state by its name or an alias, in any case.</summary>
    /// <exception cref="FormatException">The text is no state; the message names it and lists the known ones.</exception>
    public static RunState Parse(string text) => TryParse(text, out RunState state)
        ? state
        : throw new FormatException($"unknown state '{text}'; known are {string.Join(", ", Enum.GetNames<RunState>())} and {string.Join(", ", Aliases)}");

    /// <summary>Nothing more is expected of a run in this state, though a late event may still change it.</summary>
    public static bool IsFinal(this RunState state) => state is not (RunState.Pending or RunState.Queued or RunState.Running);

    static IEnumerable<string> Aliases => Known.Keys.Where(name => !Enum.IsDefined(typeof(RunState), name));
}
