namespace Belfry.Tests.Conditions;

/// <summary>What conditions mean, said as plainly as possible and without any care for speed; in UTC only.</summary>
sealed class NaiveConditions(ConditionContext context)
{
    readonly Instant _now = context.Now;

    public bool Holds(Condition condition) => condition switch
    {
        Constant constant => constant.Value,
        Negation not => !Holds(not.Inner),
        Junction { All: true } and => and.Parts.All(Holds),
        Junction or => or.Parts.Any(Holds),
        TimeOfCondition time => Windows(time.Part).Any(window => window.Contains(_now)),
        PeriodCondition once => Windows(once.Part).Any(window => window.Contains(_now) && IsUnused(window)),
        EveryCondition every => IsDue(every),
        CronCondition cron => cron.ClockOnly ? Matches(cron, _now) : MayStart(cron),
        RetryCondition retry => MayRetry(retry),
        AfterCondition after => IsAfter(after),
        HasCondition has => has.Count.Accepts(CountOf(has)),
        RunningCondition running => running.Count.Accepts(Runs(running.Task).Count(run => run.Started is { } start && run.Ended is null
            && (_now - start) >= (running.From ?? TimeSpan.Zero) && (running.To is null || (_now - start) < running.To))),
        SchedulerCondition scheduler => context.SchedulerStarted is { } start && (_now - start >= scheduler.Age) == scheduler.Reached,
        EnvironmentCondition env => string.Equals(env.Name, context.Environment, StringComparison.OrdinalIgnoreCase),
        ParameterCondition param => context.Parameter(param.Name) is { } value && (param.Value is null || param.Value == value),
        _ => throw new NotSupportedException(condition.ToString()),
    };

    /// <summary>Those of a task, as far as they have happened.</summary>
    List<PastRun> Runs(string? task)
    {
        var runs = new List<PastRun>();
        foreach (PastRun run in (task is null ? context.Own : context.Tasks(task)).Runs)
        {
            PastRun seen = run.Ended > _now ? run with { Ended = null, State = RunState.Running, TimedOut = false } : run;
            if (seen.Started <= _now)
            {
                runs.Add(seen);
            }
        }
        return runs;
    }

    /// <summary>Without the first lost attempt of each run, if those are to be run again.</summary>
    List<PastRun> Standing() => [.. Runs(null).Where(run => context.Crash == CrashPolicy.Wait || run.State != RunState.Lost
        || Runs(null).Exists(other => other.Key == run.Key && other.State == RunState.Lost && other.Attempt < run.Attempt))];

    Instant? LastStart() => Standing().Max(run => run.Started);

    bool IsUnused(Window window)
    {
        bool began = window.Begin < context.SchedulerStarted || window.Begin < context.Registered;
        return (context.CatchUp || !began) && !Standing().GroupBy(run => run.Key).Any(attempts => window.Contains(attempts.Min(run => run.Started)!.Value));
    }

    bool IsDue(EveryCondition every)
    {
        IEnumerable<PastRun> ends = Standing().Where(run => run.Ended is not null && every.Based switch
        {
            Based.Success => run.State == RunState.Completed,
            Based.Failure => run.State == RunState.Failed || run.TimedOut,
            Based.Finish => run.State != RunState.Retried,
            _ => false,
        });
        return LastStart() is not { } start || (_now - start >= every.Span && ends.All(run => _now - run.Ended!.Value >= every.Span));
    }

    static bool Matches(CronCondition cron, Instant at)
    {
        long unit = cron.Expression.Unit.Ticks / 10;
        var begin = new Instant(at.Micros / unit * unit);
        return cron.Expression.Next(begin - TimeSpan.FromMicroseconds(1), TimeZoneInfo.Utc) == begin;
    }

    /// <summary>The last match that may still start, looked for unit by unit.</summary>
    Instant? MatchFor(CronCondition cron, Instant at)
    {
        long unit = cron.Expression.Unit.Ticks / 10;
        for (var match = new Instant(at.Micros / unit * unit); at - match < context.Misfire; match -= cron.Expression.Unit)
        {
            if (Matches(cron, match))
            {
                return match;
            }
        }
        return null;
    }

    bool MayStart(CronCondition cron)
    {
        Instant? lost = Runs(null).Except(Standing()).Max(run => run.Started);
        bool isLost = lost is { } start && !(LastStart() > start) && MatchFor(cron, start) is not null;
        return isLost || (MatchFor(cron, _now) is { } match && !(LastStart() >= match));
    }

    bool MayRetry(RetryCondition retry)
    {
        List<PastRun> runs = Standing();
        if (runs.Count == 0 || runs.Exists(run => run.Ended is null))
        {
            return false;
        }
        PastRun last = runs.OrderBy(run => run.Started).ThenBy(run => run.Attempt).Last();
        bool failed = last.TimedOut || last.State is RunState.Failed or RunState.Retried || (context.RetryLost && last.State == RunState.Lost);
        TimeSpan delay = retry.Delay;
        for (int attempt = 1; attempt < last.Attempt; attempt++)
        {
            delay *= (double)retry.Growth;
        }
        return failed && !(last.Attempt > retry.Limit) && _now - last.Ended!.Value >= delay;
    }

    bool IsAfter(AfterCondition after) => Runs(after.Task).Exists(run => run.Ended is { } end && !(end <= LastStart()) && after.Action switch
    {
        RunAction.Succeeded => run.State == RunState.Completed,
        RunAction.Failed => run.State == RunState.Failed || run.TimedOut,
        RunAction.Terminated => run.State == RunState.Cancelled,
        _ => run.State is RunState.Completed or RunState.Failed || run.TimedOut || (context.AfterFinishAnyEnd && run.State is (RunState.Cancelled or RunState.Lost)),
    });

    int CountOf(HasCondition has)
    {
        IEnumerable<Instant?> all = Runs(has.Task).Select(run => has.Action switch
        {
            RunAction.Started => run.Started,
            RunAction.Succeeded => run.State == RunState.Completed ? run.Ended : null,
            RunAction.Failed => run.State == RunState.Failed || run.TimedOut ? run.Ended : null,
            RunAction.Terminated => run.State == RunState.Cancelled ? run.Ended : null,
            RunAction.Skipped => run.State == RunState.Skipped ? run.Ended : null,
            _ => run.State is RunState.Completed or RunState.Failed or RunState.Cancelled ? run.Ended : null,
        });
        if (has.Past is { } past)
        {
            return all.Count(at => at > _now - past);
        }
        if (has.Within is not { } part)
        {
            return all.Count(at => at is not null);
        }
        Window? asked = Windows(part).Where(window => window.Contains(_now)).Cast<Window?>().FirstOrDefault() ?? WindowOf(part, Begin(part.Period, Wall(_now)));
        return all.Count(at => at is { } done && asked?.Contains(done) == true);
    }

    /// <summary>The windows of the period in which now lies, and of its neighbours.</summary>
    IEnumerable<Window> Windows(Part part)
    {
        DateTime begin = Begin(part.Period, Wall(_now)), before = Begin(part.Period, begin.AddTicks(-1));
        return new[] { begin, before }.Select(cycle => WindowOf(part, cycle)).OfType<Window>();
    }

    static Window? WindowOf(Part part, DateTime cycle)
    {
        DateTime next = Next(part.Period, cycle);
        (DateTime begin, DateTime end) = part.Cut switch
        {
            Cut.Whole => (cycle, next),
            Cut.Before => (cycle, EndAt(part.Period, part.From, cycle)),
            Cut.After => (BeginAt(part.Period, part.From, cycle), next),
            Cut.Starting => (BeginAt(part.Period, part.From, cycle), BeginAt(part.Period, part.From, next)),
            Cut.On => BeginAt(part.Period, part.From, cycle) is var on && on >= next ? (on, on) : (on, on + Unit(part.Period)),
            _ => Between(part, cycle, next),
        };
        return end > begin ? new Window(At(begin), At(end)) : null;
    }

    static (DateTime Begin, DateTime End) Between(Part part, DateTime cycle, DateTime next)
    {
        var january = new DateTime(2024, 1, 1); // begins on a Monday and has 31 days: what wraps there wraps everywhere
        bool sameUnit = part.From == part.To && part.From.Time is null;
        bool wraps = !sameUnit && EndAt(part.Period, part.To, january) <= BeginAt(part.Period, part.From, january);
        return (BeginAt(part.Period, part.From, cycle), EndAt(part.Period, part.To, wraps ? next : cycle));
    }

    static DateTime BeginAt(Period period, Place place, DateTime cycle) => PlaceAt(period, place, cycle, place.Time ?? 0);

    static DateTime EndAt(Period period, Place place, DateTime cycle) => PlaceAt(period, place, cycle, place.Time ?? TimeSpan.TicksPerDay / 10);

    static DateTime PlaceAt(Period period, Place place, DateTime cycle, long micros) => period == Period.Month && place.Day > DateTime.DaysInMonth(cycle.Year, cycle.Month)
        ? cycle.AddMonths(1)
        : cycle.AddDays((place.Day ?? 0) - (period == Period.Month ? 1 : 0)).AddTicks(micros * 10);

    static TimeSpan Unit(Period period) => period switch
    {
        Period.Minute => TimeSpan.FromSeconds(1),
        Period.Hour => TimeSpan.FromMinutes(1),
        Period.Day => TimeSpan.FromHours(1),
        _ => TimeSpan.FromDays(1),
    };

    static DateTime Begin(Period period, DateTime wall) => period switch
    {
        Period.Second => new DateTime(wall.Year, wall.Month, wall.Day, wall.Hour, wall.Minute, wall.Second),
        Period.Minute => new DateTime(wall.Year, wall.Month, wall.Day, wall.Hour, wall.Minute, 0),
        Period.Hour => wall.Date.AddHours(wall.Hour),
        Period.Day => wall.Date,
        Period.Week => wall.Date.AddDays(-(((int)wall.DayOfWeek + 6) % 7)),
        _ => new DateTime(wall.Year, wall.Month, 1),
    };

    static DateTime Next(Period period, DateTime cycle) => period switch
    {
        Period.Second => cycle.AddSeconds(1),
        Period.Minute => cycle.AddMinutes(1),
        Period.Hour => cycle.AddHours(1),
        Period.Day => cycle.AddDays(1),
        Period.Week => cycle.AddDays(7),
        _ => cycle.AddMonths(1),
    };

    static DateTime Wall(Instant at) => at.ToDateTimeOffset().DateTime;

    static Instant At(DateTime wall) => Instant.From(new DateTimeOffset(wall, TimeSpan.Zero));
}
