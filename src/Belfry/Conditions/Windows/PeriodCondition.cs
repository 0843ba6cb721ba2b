namespace Belfry;

/// <summary>Once in every second, minute, hour, day, week or month, or in a part of it: <c>daily</c>, <c>weekly between Mon and Fri</c>.</summary>
/// <remarks>It holds in its window until a run starts there, whatever its end. A run belongs to the window in which its first attempt started.</remarks>
public sealed record PeriodCondition : Condition
{
    internal PeriodCondition(Part part) => Part = part;

    internal Part Part { get; }

    internal override string Text => (Part.Period == Period.Day ? "daily" : $"{Part.Period.ToString().ToLowerInvariant()}ly") + Part.Text;

    /// <summary>Only before a place in the period; a day is included, a clock time is not.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Before(string end) => With(Cut.Before, end);

    /// <summary>Only from a place in the period on, to its end.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition After(string start) => With(Cut.After, start);

    /// <summary>Only between two places; over midnight, the end of the week or of the month where the second comes first.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Between(string start, string end) => new PeriodCondition(Places.Cut(Part.Period, Cut.Between, start, end));

    /// <summary>Only in one unit: the hour from <c>10:00</c> of a day, a day of a week or month, a minute of an hour, a second of a minute.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition On(string start) => With(Cut.On, start);

    /// <summary>The same as <see cref="On"/>.</summary>
    /// <inheritdoc cref="On"/>
    public Condition At(string start) => On(start);

    /// <summary>The period begins there instead.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Starting(string start) => With(Cut.Starting, start);

    internal override bool HoldsAt(ConditionContext context, Instant at) =>
        new Calendar(Part, context.Offsets).Containing(at) is { } window && IsFree(window, context);

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search)
    {
        var calendar = new Calendar(Part, context.Offsets);
        bool holds = HoldsAt(context, at);
        do
        {
            // A free window that the next one follows without a break: nothing can use that one up, once no past start may lie in it.
            if (holds && Part.IsFull && !(context.Standing.LastRun > at - TimeSpan.FromMicroseconds(2 * Clock.LengthOf(Part.Period))))
            {
                return null;
            }
            at = calendar.NextEdge(at);
        }
        while (search.Reaches(at) && HoldsAt(context, at) == holds);
        return search.Within(at);
    }

    internal override string Because(ConditionContext context)
    {
        if (new Calendar(Part, context.Offsets).Containing(context.Now) is not { } window)
        {
            return "outside of its window";
        }
        string begin = context.Show(window.Begin);
        return IsFree(window, context) ? $"no start since {begin}"
            : context.Standing.LastRun is { } start && start >= window.Begin ? $"used up since {begin} by the start at {context.Show(start)}"
            : $"its window began at {begin}, before there was a scheduler to use it";
    }

    static bool IsFree(Window window, ConditionContext context)
    {
        bool tooLate = !context.CatchUp && (window.Begin < context.SchedulerStarted || window.Begin < context.Registered);
        return !tooLate && !(context.Standing.LastRun >= window.Begin);
    }

    PeriodCondition With(Cut cut, string place) => new(Places.Cut(Part.Period, cut, place));
}
