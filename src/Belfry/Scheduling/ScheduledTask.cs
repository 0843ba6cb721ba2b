namespace Belfry;

/// <summary>A task as the scheduler sees it. Kept small: there may be 100,000 of them, and what few have is in <see cref="Busy"/>.</summary>
sealed class ScheduledTask(TaskDefinition definition, Instant registered)
{
    Busy? _busy;

    /// <summary>As it is registered now.</summary>
    public TaskDefinition Definition { get; set; } = definition;

    /// <summary>When it was first registered.</summary>
    public Instant Registered { get; set; } = registered;

    /// <summary>Its runs, as far back as conditions look.</summary>
    public TaskHistory History { get; set; } = TaskHistory.None;

    /// <summary>When it is to be looked at again, while it stands in the heap.</summary>
    public Instant Wake { get; set; }

    /// <summary>Where it stands in the heap; negative when it does not.</summary>
    public int Place { get; set; } = -1;

    /// <summary>How many runs its history may hold before it is trimmed.</summary>
    public int TrimAt { get; set; } = 8;

    /// <summary>Something happened that its conditions may ask about: it is looked at with the next turn.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Its condition starts nothing.</summary>
    public bool IsDisabled { get; set; } = definition.Options.Disabled;

    /// <summary>Its condition could not be asked when it was asked last.</summary>
    public bool IsBroken { get; set; }

    /// <summary>It was taken away.</summary>
    public bool IsGone { get; set; }

    /// <summary>What is going on with it; null when nothing is.</summary>
    public Busy? Now => _busy;

    /// <summary>A run of it is at work, or has not let go.</summary>
    public bool IsAtWork => _busy is { Running.Count: > 0 };

    /// <summary>What is to be written down about what is going on.</summary>
    public Busy Note() => _busy ??= new Busy();

    /// <summary>Nothing is going on any more, where that is so.</summary>
    public void Rest() => _busy = _busy is { IsIdle: true } ? null : _busy;
}

/// <summary>What is going on with a task that does more than wait.</summary>
sealed class Busy
{
    /// <summary>Its runs at work.</summary>
    public List<Work> Running { get; } = new(1);

    /// <summary>Runs that somebody ordered by hand.</summary>
    public Queue<RunOrder> Ordered { get; } = new(0);

    /// <summary>How its being due stands.</summary>
    public Standby Standby { get; set; }

    /// <summary>The retry that was promised when its last attempt failed.</summary>
    public Promise? Promise { get; set; }

    /// <summary>What its last run was ordered with, where that had arguments: a retry has them, too.</summary>
    public RunOrder? LastOrder { get; set; }

    /// <summary>It waits for room for a process.</summary>
    public bool WaitsForRoom { get; set; }

    /// <summary>Nothing of this matters any more.</summary>
    public bool IsIdle => Running.Count == 0 && Ordered.Count == 0 && Standby == default && Promise is null && LastOrder is null && !WaitsForRoom;
}

/// <summary>How it stands with a task that is due, or was.</summary>
/// <param name="IsQueued">It was due while a run was at work, and starts when that has ended.</param>
/// <param name="IsSpent">Its condition went on holding after a start: only when it has not held in between does it hold anew.</param>
/// <param name="PutOff">It has been due, and is put off to then by chance.</param>
readonly record struct Standby(bool IsQueued, bool IsSpent, Instant? PutOff);

/// <summary>A retry that was promised: the attempt stands as Retried in the log.</summary>
/// <param name="Failed">The attempt.</param>
/// <param name="Due">When the retry is due.</param>
sealed record Promise(PastRun Failed, Instant Due);
