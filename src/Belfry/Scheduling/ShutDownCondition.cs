namespace Belfry;

/// <summary>The condition under which the scheduler shuts itself down (<see cref="BelfryOptions.ShutDownWhen"/>).</summary>
sealed class ShutDownCondition(SchedulerParts parts, SchedulerLoop loop)
{
    static readonly TimeSpan Recheck = TimeSpan.FromMinutes(1);

    /// <summary>What it asks about is to be known.</summary>
    public void Begin(Agenda agenda)
    {
        foreach (string name in parts.Options.ShutDownWhen?.Leaves.Select(leaf => leaf.Asked).OfType<string>() ?? [])
        {
            agenda.Histories.Ask(name);
        }
    }

    /// <summary>Shuts down if it holds; tells when to ask again.</summary>
    public Instant? Ask(Agenda agenda, Instant now, Action shutDown)
    {
        if (parts.Options.ShutDownWhen is not { } condition)
        {
            return null;
        }
        try
        {
            return Asked(condition, agenda, now, shutDown);
        }
        catch (Exception broken) when (parts.Options.SilenceConditionErrors)
        {
            loop.Unasked(broken);
            return now + Recheck;
        }
    }

    Instant? Asked(Condition condition, Agenda agenda, Instant now, Action shutDown)
    {
        ConditionContext context = agenda.Surroundings(Nobody) with { Now = now, Tasks = agenda.Histories.Of, Zone = parts.Options.TimeZone, SchedulerStarted = agenda.Started };
        if (!condition.Holds(context))
        {
            return condition.NextChange(context);
        }
        shutDown();
        return null;
    }

    static readonly TaskDefinition Nobody = new() { Name = "", Start = Conditions.Never, Handler = (_, _) => Task.FromResult<object?>(null) };
}
