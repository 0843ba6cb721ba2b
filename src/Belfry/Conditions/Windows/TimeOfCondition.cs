namespace Belfry;

/// <summary>A time of every minute, hour, day, week or month by the clock alone, whatever ran: <c>time of day between 10:00 and 12:00</c>.</summary>
sealed record TimeOfCondition(Part Part) : Condition
{
    internal override string Text => $"time of {Part.Period.ToString().ToLowerInvariant()}{Part.Text}";

    internal override bool HoldsAt(ConditionContext context, Instant at) => new Calendar(Part, context.Offsets).Containing(at) is not null;

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search)
    {
        if (Part.IsFull)
        {
            return null;
        }
        var calendar = new Calendar(Part, context.Offsets);
        bool holds = HoldsAt(context, at);
        do
        {
            at = calendar.NextEdge(at);
        }
        while (search.Reaches(at) && HoldsAt(context, at) == holds);
        return search.Within(at);
    }

    internal override string Because(ConditionContext context) => $"it is {context.Show(context.Now)}";
}

/// <summary>Times of a period, to be completed: <c>TimeOfDay.Between("10:00", "12:00")</c>.</summary>
public sealed class TimeOf
{
    readonly Period _period;

    internal TimeOf(Period period) => _period = period;

    /// <summary>Before a place in the period; a day is included, a clock time is not.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Before(string end) => With(Cut.Before, end);

    /// <summary>From a place in the period on, to its end.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition After(string start) => With(Cut.After, start);

    /// <summary>Between two places; over midnight, the end of the week or of the month where the second comes first.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Between(string start, string end) => new TimeOfCondition(Places.Cut(_period, Cut.Between, start, end));

    /// <summary>In one unit: the hour from <c>10:00</c> of a day, a day of a week or month, a minute of an hour, a second of a minute.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition On(string start) => With(Cut.On, start);

    /// <summary>The same as <see cref="On"/>.</summary>
    /// <inheritdoc cref="On"/>
    public Condition At(string start) => On(start);

    /// <summary>The period begins there instead: always.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    public Condition Starting(string start) => With(Cut.Starting, start);

    TimeOfCondition With(Cut cut, string place) => new(Places.Cut(_period, cut, place));
}
