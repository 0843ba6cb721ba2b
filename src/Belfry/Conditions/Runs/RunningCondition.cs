namespace Belfry;

/// <summary>Runs of a task are at work, of any age or of a given one, so many of them: <c>task 'load' is running for more than 20 minutes</c>.</summary>
public sealed record RunningCondition : Condition
{
    internal RunningCondition(string? task) => Task = task;

    internal string? Task { get; }

    internal TimeSpan? From { get; init; }

    internal TimeSpan? To { get; init; }

    internal Counted Count { get; init; } = Counted.Any;

    internal override string Text => (Task is null ? "" : $"task {Quotes.Of(Task)} ") + "is running" + AgeText + Count.Text;

    internal override string? Asked => Task;

    string AgeText => (From, To) switch
    {
        ({ } from, { } to) => $" for between {Durations.Text(from)} and {Durations.Text(to)}",
        ({ } from, _) => $" for more than {Durations.Text(from)}",
        (_, { } to) => $" for less than {Durations.Text(to)}",
        _ => "",
    };

    /// <summary>For so long at least.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
    public RunningCondition MoreThan(TimeSpan age) => this with { From = Durations.Checked(age, nameof(age)), To = null };

    /// <summary>Not yet for so long.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
    public RunningCondition LessThan(TimeSpan age) => this with { From = null, To = Durations.Checked(age, nameof(age)) };

    /// <summary>For so long at least, and not yet for so long.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The second is not longer than the first, or one of them is not above zero, or longer than a million days.</exception>
    public RunningCondition Between(TimeSpan from, TimeSpan to) => from < to
        ? this with { From = Durations.Checked(from, nameof(from)), To = Durations.Checked(to, nameof(to)) }
        : throw new ArgumentOutOfRangeException(nameof(to), to, "the second age must be greater than the first");

    /// <summary>Exactly so many runs.</summary>
    public static Condition operator ==(RunningCondition running, int count) => running with { Count = new Counted(Comparison.Equal, count) };

    /// <summary>Any other number of runs.</summary>
    public static Condition operator !=(RunningCondition running, int count) => running with { Count = new Counted(Comparison.NotEqual, count) };

    /// <summary>Fewer runs.</summary>
    public static Condition operator <(RunningCondition running, int count) => running with { Count = new Counted(Comparison.Less, count) };

    /// <summary>More runs.</summary>
    public static Condition operator >(RunningCondition running, int count) => running with { Count = new Counted(Comparison.Greater, count) };

    /// <summary>At most so many runs.</summary>
    public static Condition operator <=(RunningCondition running, int count) => running with { Count = new Counted(Comparison.AtMost, count) };

    /// <summary>At least so many runs.</summary>
    public static Condition operator >=(RunningCondition running, int count) => running with { Count = new Counted(Comparison.AtLeast, count) };

    internal override bool HoldsAt(ConditionContext context, Instant at) => Count.Accepts(CountAt(context, at));

    internal override Instant? ChangeAfter(ConditionContext context, Instant at, Search search)
    {
        bool holds = HoldsAt(context, at);
        foreach (Instant turn in Turns(context).Where(turn => turn > at).Order())
        {
            if (HoldsAt(context, turn) != holds)
            {
                return turn;
            }
        }
        return null;
    }

    internal override string Because(ConditionContext context) => CountAt(context, context.Now) is var count && count == 1 ? "one run" : $"{count} runs";

    int CountAt(ConditionContext context, Instant at)
    {
        int count = 0;
        foreach (PastRun run in context.RunsOf(Task).Runs)
        {
            bool counts = run.IsOpen && !(run.Started!.Value + (From ?? TimeSpan.Zero) > at) && (To is not { } to || run.Started.Value + to > at);
            count += counts ? 1 : 0;
        }
        return count;
    }

    /// <summary>When runs reach the ages.</summary>
    List<Instant> Turns(ConditionContext context)
    {
        var turns = new List<Instant>();
        foreach (PastRun run in context.RunsOf(Task).Runs)
        {
            if (run.IsOpen)
            {
                turns.AddRange(new[] { From, To }.OfType<TimeSpan>().Select(age => run.Started!.Value + age));
            }
        }
        return turns;
    }
}
