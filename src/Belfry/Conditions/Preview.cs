namespace Belfry;

/// <summary>The starts to come: by pretending that each run ends well at once, and of a run that did not.</summary>
static class Preview
{
    /// <summary>A start comes with the next change or the one after, unless a search gave up half-way: after so many that did nobody waits for the next.</summary>
    const int MostLooks = 20;

    /// <summary>The instants at which the task would start, as far ahead as a search looks.</summary>
    public static IEnumerable<Instant> Starts(Condition condition, ConditionContext context)
    {
        // What a function of the user's will say nobody knows: it goes on as it answers now.
        Condition asked = condition.Replace((leaf, _) => leaf is WhenCondition ? new Constant(leaf.Holds(context)) : leaf, true);
        Instant end = Search.From(context.Now).End;
        bool held = false;
        for (int looks = 0; context.Now <= end && looks < MostLooks; looks++)
        {
            bool holds = asked.Holds(context);
            if (holds && !held)
            {
                yield return context.Now;
                looks = 0;
                context = context with { Own = context.Own.With(Run(context.Now)) };
                holds = asked.Holds(context);
            }
            held = holds; // what its own start does not end has to end by itself before it can begin again
            if (asked.NextChange(context) is not { } change)
            {
                yield break;
            }
            context = context with { Now = change };
        }
    }

    /// <summary>The first instant at which a start would be a retry of the run that failed.</summary>
    public static Instant? RetryAt(Condition condition, ConditionContext context)
    {
        IEnumerable<Instant> due = condition.Leaves.OfType<RetryCondition>().Select(retry => retry.Due(context)).OfType<Instant>();
        return due.Select(at => Instant.Max(at, context.Now)).Order().Cast<Instant?>().FirstOrDefault(at =>
        {
            ConditionContext then = context with { Now = at!.Value };
            return condition.Holds(then) && !condition.StartsAnew(then);
        });
    }

    static PastRun Run(Instant at) => new(("", at.ToString()), 1, at, at, RunState.Completed, false);
}
