namespace Belfry.Storage.Rollups;

/// <summary>What a run that ended adds to the figures. Two that are equal add the same.</summary>
/// <param name="State">How it ended.</param>
/// <param name="At">When.</param>
/// <param name="Runtime">How long it ran, in microseconds; only of those that completed or failed.</param>
/// <param name="Wait">How long it waited for its start, as the search's <c>wait</c> has it.</param>
/// <param name="Source">Its source.</param>
/// <param name="Task">Its task.</param>
/// <param name="App">The application that its sender told.</param>
/// <param name="Worker">Its worker.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Exception">The class of its exception.</param>
readonly record struct RunEnd(
    RunState State, Instant At, long? Runtime, long? Wait, string Source, string? Task, string? App, string? Worker, string? Queue, string? Exception)
{
    /// <summary>The end of a run; null while it is open.</summary>
    public static RunEnd? Of(TaskRun? run) => run is { Finished: { } at } && run.State.IsFinal()
        ? new RunEnd(
            run.State, at, run.State is RunState.Completed or RunState.Failed ? Micros(run.Runtime) : null, Micros(run.Waited),
            run.Source, run.Task, run.App, run.Worker, run.Queue, run.ExceptionClass)
        : null;

    static long? Micros(double? seconds) => seconds is { } known ? (long)Math.Round(known * 1e6) : null;
}
