namespace Belfry;

/// <summary>The starts to come, by pretending that each run ends well at once.</summary>
static class Preview
{
    /// <summary>The instants at which the task would start, as far ahead as a search looks.</summary>
    public static IEnumerable<Instant> Starts(Condition condition, ConditionContext context)
    {
        // What a function of the user's will say nobody knows: it goes on as it answers now.
        Condition asked = condition.Replace((leaf, _) => leaf is WhenCondition ? new Constant(leaf.Holds(context)) : leaf, true);
        Instant end = Search.From(context.Now).End;
        bool held = false;
        while (context.Now <= end)
        {
            bool holds = asked.Holds(context);
            if (holds && !held)
            {
                yield return context.Now;
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

    static PastRun Run(Instant at) => new(("", at.ToString()), 1, at, at, RunState.Completed, false);
}
