namespace Belfry;

/// <summary>The bounds of one search for the next change: ten years, and 10,000 steps.</summary>
/// <remarks>A contradiction of two times of day takes two steps a day, so ten years of it are just within.</remarks>
sealed class Search(Instant end, int steps)
{
    const int MostSteps = 10_000;
    static readonly TimeSpan Horizon = TimeSpan.FromDays(3653);
    int _steps = steps;

    /// <summary>The last instant that counts.</summary>
    public Instant End { get; } = end;

    /// <summary>A search that begins at an instant.</summary>
    public static Search From(Instant at) => new(at + Horizon, MostSteps);

    /// <summary>The next change of one part of several, which has its share of the steps left, so that none can use up those of the others.</summary>
    public Instant? ChangeOf(Condition part, int parts, ConditionContext context, Instant at)
    {
        var share = new Search(End, _steps / parts);
        Instant? change = part.ChangeAfter(context, at, share);
        _steps -= (_steps / parts) - share._steps;
        return change;
    }

    /// <summary>Takes a step to an instant; false when there are none left, or it lies beyond the end.</summary>
    public bool Step(Instant at) => --_steps > 0 && at <= End;

    /// <summary>An instant before the end.</summary>
    public bool Reaches(Instant at) => at <= End;

    /// <summary>The instant, unless it lies beyond the end.</summary>
    public Instant? Within(Instant? at) => at <= End ? at : null;

    /// <summary>
    /// The next change of a whole condition. What a <c>When</c> will say later nobody knows, so the condition is asked twice: with all of them
    /// at their best, and at their worst. Where both agree no <c>When</c> decides, and none need be asked before they differ.
    /// </summary>
    public static Instant? NextChange(Condition condition, ConditionContext context)
    {
        Instant? Change(Condition asked)
        {
            Search search = From(context.Now);
            return search.Within(asked.ChangeAfter(context, context.Now, search));
        }
        if (condition.AskAgain is not { } recheck)
        {
            return Change(condition);
        }
        Condition best = Assume(condition, true), worst = Assume(condition, false);
        if (best.Holds(context) == worst.Holds(context))
        {
            return Change(best.Holds(context) ? worst : best);
        }
        Instant again = context.Now + recheck;
        Instant? known = new[] { Change(best), Change(worst) }.Min();
        return known < again ? known : again;
    }

    static Condition Assume(Condition condition, bool best) =>
        condition.Replace((leaf, positive) => leaf is WhenCondition ? new Constant(best == positive) : leaf, true);
}
