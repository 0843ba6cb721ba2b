namespace Belfry;

/// <summary>A run that is called once more by hand. Pure.</summary>
public static class Again
{
    const string Emptied = "\"arguments_emptied\": true";
    static readonly string[] Hidden = ["‹hidden›", "\"***\""];

    /// <summary>Why a run cannot be called again; null when it can.</summary>
    public static string? ProblemOf(TaskRun run) =>
        !run.State.IsFinal() ? $"is {run.State}: it has not ended"
        : run.Task is null ? "has no task that the log knows"
        : !ShowsArguments(run)
            ? "has arguments that the log does not show in full, because they are secret, nested or too long: call the task anew"
        : null;

    /// <summary>The log shows all of what it was called with.</summary>
    public static bool ShowsArguments(TaskRun run) => run.Extra?.Contains(Emptied, StringComparison.Ordinal) != true
        && !Array.Exists([run.Args, run.Kwargs], text => text is not null && (Array.Exists(Hidden, text.Contains) || text.EndsWith('…')));

    /// <summary>Notes that arguments lost what was nested in them: nobody could tell that an empty list was none. It stands among the other fields of the event, a JSON object.</summary>
    public static string NoteEmptied(string? fields) => fields is ['{', .. var others, '}'] && others.Trim().Length > 0 ? $"{{{Emptied}, {others}}}" : $"{{{Emptied}}}";

    /// <summary>The call: a new run whose parent is the old one. A dead letter is called again once, however many ask for it at a time.</summary>
    /// <param name="run">The run.</param>
    /// <param name="id">An id for the new one; that of a dead letter is made of the old one's.</param>
    /// <param name="now">The instant.</param>
    /// <exception cref="ArgumentException">It cannot be called again; the message says why.</exception>
    public static QueuedCall Of(TaskRun run, string id, Instant now)
    {
        if (ProblemOf(run) is { } problem)
        {
            throw new ArgumentException($"run {run.Id} {problem}", nameof(run));
        }
        bool dead = CallEvents.IsDeadLetter(run);
        return CallEvents.CallOf(run) with
        {
            Id = dead ? CallIds.Of(run.Task!, $"{run.Id} again") : id, IsKeyed = dead, Submitted = now, Eta = null, Expires = null, Parent = run.Id, Root = run.Root ?? run.Id,
        };
    }
}
