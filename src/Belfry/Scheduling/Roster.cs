namespace Belfry;

/// <summary>The tasks that the scheduler looks after: they come, change and go as they are registered, and as people switch them. Touched by the loop alone.</summary>
sealed class Roster(SchedulerParts parts, Agenda agenda)
{
    /// <summary>A task came, changed or went.</summary>
    /// <param name="change">What was registered.</param>
    /// <param name="histories">What the log has of it, and of those that its conditions ask about.</param>
    /// <param name="known">What the book knows of it; null where there is no book.</param>
    /// <param name="ears">Have to listen for those that conditions ask about.</param>
    public void TakeUp(TaskChange change, IReadOnlyDictionary<string, TaskHistory> histories, BookedTask? known, SchedulerEars ears)
    {
        if (parts.Tasks.Find((change.After ?? change.Before)!.Name) != change.After)
        {
            return; // it has changed again meanwhile
        }
        ScheduledTask? before = agenda.Histories.Find((change.After ?? change.Before)!.Name);
        if (change.After is { } task)
        {
            Enter(before, task, known);
            ears.Ask(agenda.Histories.Asked);
            Tell(before is null ? task.Name : null, histories);
        }
        else if (before is not null)
        {
            agenda.Remove(before);
        }
    }

    /// <summary>What the book knows of a task; nothing for null.</summary>
    public void Take(BookedTask? known)
    {
        if (known is not null && agenda.Histories.Find(known.Name) is { } task)
        {
            task.Registered = known.Registered;
            task.IsDisabled = known.IsDisabled ?? task.IsDisabled;
        }
    }

    /// <summary>People have disabled tasks, or enabled them again, in whatever process.</summary>
    public void Switch(IReadOnlyDictionary<string, bool> disabled)
    {
        foreach ((string name, bool isDisabled) in disabled)
        {
            if (agenda.Histories.Find(name) is { } task && task.IsDisabled != isDisabled)
            {
                agenda.Disable(task, isDisabled);
            }
        }
    }

    void Enter(ScheduledTask? before, TaskDefinition task, BookedTask? known)
    {
        if (before is not null)
        {
            agenda.Change(before, task);
            return;
        }
        agenda.Add(task, Instant.Now(parts.Clock));
        Take(known);
    }

    /// <summary>A condition may ask about others, and further back than anybody did.</summary>
    void Tell(string? newcomer, IReadOnlyDictionary<string, TaskHistory> histories)
    {
        foreach ((string name, TaskHistory history) in histories)
        {
            if (name == newcomer)
            {
                agenda.Restore(name, history, Instant.Now(parts.Clock));
            }
            else
            {
                agenda.Put(name, history);
            }
        }
    }
}
