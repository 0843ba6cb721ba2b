namespace Belfry;

/// <summary>A run that is called once more by hand. Pure.</summary>
public static class Again
{
    static readonly string[] Hidden = ["‹hidden›", "\"***\""];

    /// <summary>The call: a new run whose parent is the old one.</summary>
    /// <exception cref="ArgumentException">It cannot be called again; the message says why.</exception>
    public static QueuedCall Of(TaskRun run, string id, Instant now)
    {
        string? problem = !run.State.IsFinal() ? $"is {run.State}: it has not ended"
            : run.Task is null ? "has no task that the log knows"
            : Array.Exists([run.Args, run.Kwargs], text => text is not null && (Array.Exists(Hidden, text.Contains) || text.EndsWith('…')))
                ? "has arguments that the log does not show in full, because they are secret or too long: call the task anew"
            : null;
        return problem is not null
            ? throw new ArgumentException($"run {run.Id} {problem}", nameof(run))
            : CallEvents.CallOf(run) with { Id = id, Submitted = now, Eta = null, Expires = null, Parent = run.Id, Root = run.Root ?? run.Id };
    }
}
