namespace Belfry;

/// <summary>
/// A task started, succeeded, failed, finished, was terminated or skipped, in a period or ever, so many times: <c>has succeeded today &gt;= 2</c>.
/// </summary>
/// <remarks>
/// <c>finished</c> is success, failure and termination; a timeout is both a failure and a termination; <c>started</c> counts every attempt.
/// Without a comparison: at least once. Without a period: ever, as far as the history goes back.
/// </remarks>
public sealed record HasCondition : Condition
{
    internal HasCondition(RunAction action) => Action = action;

    internal RunAction Action { get; }

    internal string? Task { get; init; }

    internal Part? Within { get; init; }

    internal TimeSpan? Past { get; init; }

    internal Counted Count { get; init; } = Counted.Any;

    /// <summary>In the minute in which the instant asked about lies.</summary>
    public HasCondition ThisMinute => this with { Within = new Part(Period.Minute, Cut.Whole), Past = null };

    /// <summary>In the present hour.</summary>
    public HasCondition ThisHour => this with { Within = new Part(Period.Hour, Cut.Whole), Past = null };

    /// <summary>In the present day.</summary>
    public HasCondition ThisDay => this with { Within = new Part(Period.Day, Cut.Whole), Past = null };

    /// <summary>The same as <see cref="ThisDay"/>.</summary>
    public HasCondition Today => ThisDay;

    /// <summary>In the present week, from Monday.</summary>
    public HasCondition ThisWeek => this with { Within = new Part(Period.Week, Cut.Whole), Past = null };

    /// <summary>In the present month.</summary>
    public HasCondition ThisMonth => this with { Within = new Part(Period.Month, Cut.Whole), Past = null };

    internal override string Text =>
        (Task is null ? "" : $"task {Quotes.Of(Task)} ") + $"has {Action.ToString().ToLowerInvariant()}" + PeriodText + Count.Text;

    internal override string? Asked => Task;

    string PeriodText => Past is { } past ? $" past {Durations.Text(past)}"
        : Within is not { } within ? ""
        : (within.Period == Period.Day ? " today" : $" this {within.Period.ToString().ToLowerInvariant()}") + within.Text;

    /// <summary>Of another task than the one whose condition it is.</summary>
    public HasCondition Of(string task) => this with { Task = task };

    /// <summary>Later than so long ago.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
    public HasCondition InPast(TimeSpan span) => this with { Past = Durations.Checked(span, nameof(span)), Within = null };

    /// <summary>In its period before a place; a day is included, a clock time is not.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    /// <exception cref="InvalidOperationException">It was not said in which period.</exception>
    public HasCondition Before(string end) => InPart(Cut.Before, end);

    /// <summary>In its period from a place on.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    /// <exception cref="InvalidOperationException">It was not said in which period.</exception>
    public HasCondition After(string start) => InPart(Cut.After, start);

    /// <summary>In its period between two places; the window in which the instant asked about lies, else the one that begins in the period.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    /// <exception cref="InvalidOperationException">It was not said in which period.</exception>
    public HasCondition Between(string start, string end) => InPart(Cut.Between, start, end);

    /// <summary>In one unit of its period.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    /// <exception cref="InvalidOperationException">It was not said in which period.</exception>
    public HasCondition On(string start) => InPart(Cut.On, start);

    /// <summary>In its period, which begins there instead.</summary>
    /// <exception cref="ConditionException">That is no place in the period.</exception>
    /// <exception cref="InvalidOperationException">It was not said in which period.</exception>
    public HasCondition Starting(string start) => InPart(Cut.Starting, start);

    /// <summary>Exactly so many times.</summary>
    public static Condition operator ==(HasCondition has, int count) => has with { Count = new Counted(Comparison.Equal, count) };

    /// <summary>Any other number of times.</summary>
    public static Condition operator !=(HasCondition has, int count) => has with { Count = new Counted(Comparison.NotEqual, count) };

    /// <summary>Fewer times.</summary>
    public static Condition operator <(HasCondition has, int count) => has with { Count = new Counted(Comparison.Less, count) };

    /// <summary>More times.</summary>
    public static Condition operator >(HasCondition has, int count) => has with { Count = new Counted(Comparison.Greater, count) };

    /// <summary>At most so many times.</summary>
    public static Condition operator <=(HasCondition has, int count) => has with { Count = new Counted(Comparison.AtMost, count) };

    /// <summary>At least so many times.</summary>
    public static Condition operator >=(HasCondition has, int count) => has with { Count = new Counted(Comparison.AtLeast, count) };

    internal override bool HoldsAt(ConditionContext context, Instant at) => Count.Accepts(CountAt(context, at));

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search) =>
        Past is { } past ? PastChange(context, at, past) : Within is { } within ? WindowChange(context, at, new Calendar(within, context.Offsets), search) : null;

    internal override string Because(ConditionContext context) => CountAt(context, context.Now) is var count && count == 1 ? "once" : $"{count} times";

    HasCondition InPart(Cut cut, params string[] places) => this with
    {
        Within = Places.Cut((Within ?? throw new InvalidOperationException("say first of which period: Succeeded.Today.Between(…)")).Period, cut, places),
    };

    int CountAt(ConditionContext context, Instant at)
    {
        Window? within = Within is null ? null : new Calendar(Within, context.Offsets).Asked(at);
        int count = 0;
        foreach (PastRun run in context.RunsOf(Task).Runs)
        {
            bool counts = run.At(Action) is { } done && (Past is { } past ? done > at - past : Within is null || within?.Contains(done) == true);
            count += counts ? 1 : 0;
        }
        return count;
    }

    /// <summary>One after the other leaves: the truth differs when so many are left that it does.</summary>
    Instant? PastChange(ConditionContext context, Instant at, TimeSpan past)
    {
        var leaving = new List<Instant>();
        foreach (PastRun run in context.RunsOf(Task).Runs)
        {
            if (run.At(Action) is { } done && done > at - past)
            {
                leaving.Add(done + past);
            }
        }
        leaving.Sort();
        bool holds = Count.Accepts(leaving.Count);
        for (int gone = 1; gone <= leaving.Count; gone++)
        {
            bool last = gone == leaving.Count || leaving[gone] != leaving[gone - 1];
            if (last && Count.Accepts(leaving.Count - gone) != holds)
            {
                return leaving[gone - 1];
            }
        }
        return null;
    }

    /// <summary>The window that is asked about moves on; in one that begins later than now nothing has happened.</summary>
    Instant? WindowChange(ConditionContext context, Instant at, Calendar calendar, Search search)
    {
        bool holds = HoldsAt(context, at);
        do
        {
            if (calendar.Asked(at) is { } window && window.Begin > context.Now && holds == Count.Accepts(0))
            {
                return null;
            }
            at = calendar.NextEdge(at, asked: true);
        }
        while (search.Reaches(at) && HoldsAt(context, at) == holds);
        return search.Within(at);
    }
}
