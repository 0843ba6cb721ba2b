using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>Random conditions, and random pasts of tasks to ask them about, on a grid of seconds so that a walk can find every change.</summary>
/// <param name="random">Chance.</param>
/// <param name="step">The grid: a walk by the minute, or by the second.</param>
sealed class RandomConditions(Random random, TimeSpan step)
{
    static readonly string[] Names = ["load", "report", "it's \"x\" & (y)"];
    static readonly string[] Weekdays = ["Mon", "Tue", "Wednesday", "Thu", "Fri", "Sat", "Sun"];

    bool IsFine => step < TimeSpan.FromMinutes(1);

    public Condition Tree(int depth) => depth == 0 ? Leaf() : random.Next(6) switch
    {
        0 => !Tree(depth - 1),
        1 or 2 => Tree(depth - 1) & Tree(random.Next(depth)),
        3 or 4 => Tree(depth - 1) | Tree(random.Next(depth)),
        _ => Leaf(),
    };

    public Condition Leaf() => random.Next(11) switch
    {
        0 or 1 => Once(),
        2 or 3 => Times(),
        4 => Every(Span(), (Based)random.Next(4)),
        5 => random.Next(2) == 0 ? Cron(Expression()) : CronTime(Expression()),
        6 => Retry(random.Next(2) == 0 ? null : random.Next(1, 4), random.Next(2) == 0 ? null : Span(), 1) is var plain && random.Next(3) > 0
            ? plain : Retry(random.Next(1, 4), Span(), random.Next(1, 3)),
        7 => random.Next(4) switch { 0 => AfterSuccess(Name()), 1 => AfterFail(Name()), 2 => AfterTerminate(Name()), _ => AfterAnyFinish(Name(), Name()) },
        8 => Has(),
        9 => Run(),
        _ => random.Next(6) switch
        {
            0 => Always,
            1 => Never,
            2 => SchedulerRunning.MoreThan(Span()),
            3 => SchedulerRunning.LessThan(Span()),
            4 => Env("Production"),
            _ => random.Next(2) == 0 ? ParamExists("p") : ParamIs("p", "it's"),
        },
    };

    /// <summary>What is known at an instant of a grid of minutes or seconds around it.</summary>
    public ConditionContext Context(Instant now, TimeZoneInfo zone)
    {
        TaskHistory own = History(now);
        var others = new Dictionary<string, TaskHistory>();
        return new ConditionContext
        {
            Now = now,
            Zone = zone,
            Own = own,
            Tasks = name => others.TryGetValue(name, out TaskHistory? known) ? known : others[name] = History(now),
            SchedulerStarted = Back(now, 600),
            Registered = random.Next(2) == 0 ? null : Back(now, 3000),
            CatchUp = random.Next(4) > 0,
            Crash = (CrashPolicy)random.Next(2),
            RetryLost = random.Next(2) == 0,
            AfterFinishAnyEnd = random.Next(2) == 0,
            Misfire = step * (IsFine ? random.Next(1, 120) : random.Next(1, 90)),
            Environment = random.Next(2) == 0 ? "production" : null,
            Parameter = _ => "it's",
        };
    }

    TaskHistory History(Instant now)
    {
        var runs = new List<TaskRun>();
        for (int id = random.Next(4); id > 0; id--)
        {
            int attempts = random.Next(1, 4);
            Instant at = Back(now, 2500);
            for (int attempt = 1; attempt <= attempts; attempt++)
            {
                Instant end = at + (step * random.Next(0, 200));
                RunState state = attempt < attempts ? (random.Next(3) == 0 ? RunState.Lost : RunState.Retried) : End();
                runs.Add(new TaskRun
                {
                    Source = "local", Id = $"{id}", Attempt = attempt, State = state, At = at, First = at, Updated = end, Started = at,
                    Finished = state == RunState.Running ? null : end, Reason = random.Next(2) == 0 ? "timeout" : null,
                });
                at = end + (step * random.Next(0, 3));
            }
        }
        return TaskHistory.Of(runs);
    }

    RunState End() => random.Next(7) switch
    {
        0 => RunState.Running,
        1 => RunState.Completed,
        2 => RunState.Lost,
        3 => RunState.Cancelled,
        4 => RunState.Skipped,
        _ => RunState.Failed,
    };

    Instant Back(Instant now, int steps) => now - (step * random.Next(-20, steps));

    TimeSpan Span() => step * (random.Next(3) == 0 ? random.Next(1, 3000) : random.Next(1, 90));

    string Name() => Names[random.Next(Names.Length)];

    Condition Once()
    {
        PeriodCondition once = IsFine
            ? random.Next(3) switch { 0 => Secondly, 1 => Minutely, _ => Hourly }
            : random.Next(4) switch { 0 => Hourly, 1 => Daily, 2 => Weekly, _ => Monthly };
        Func<string> place = Place(once == Secondly ? 0 : once == Minutely ? 1 : once == Hourly ? 2 : once == Daily ? 3 : once == Weekly ? 4 : 5);
        return random.Next(6) switch
        {
            0 => once,
            1 => once.After(place()),
            2 or 3 => once.Between(place(), place()),
            4 when once != Secondly => once.On(place()),
            _ => once == Secondly ? once : once.Starting(place()),
        };
    }

    Condition Times()
    {
        int period = IsFine ? random.Next(1, 3) : random.Next(2, 6);
        TimeOf times = period switch { 1 => TimeOfMinute, 2 => TimeOfHour, 3 => TimeOfDay, 4 => TimeOfWeek, _ => TimeOfMonth };
        Func<string> place = Place(period);
        return random.Next(5) switch
        {
            0 => times.Before(place() is var end && (end.TrimStart('0', ':').Length > 0) ? end : period == 1 ? "30" : "30:00"),
            1 => times.After(place()),
            2 => times.On(place()),
            _ => times.Between(place(), place()),
        };
    }

    /// <summary>Places of a period on the grid.</summary>
    Func<string> Place(int period) => period switch
    {
        0 => () => "0",
        1 => () => $"{random.Next(60):00}",
        2 => () => $"{random.Next(60):00}:{(IsFine ? random.Next(60) : 0):00}",
        3 => Time,
        4 => () => Weekdays[random.Next(7)] + (random.Next(2) == 0 ? "" : $" {Time()}"),
        _ => () => $"{random.Next(1, 32)}th" + (random.Next(2) == 0 ? "" : $" {Time()}"),
    };

    string Time() => $"{random.Next(24):00}:{random.Next(1, 60):00}";

    string Expression() => IsFine && random.Next(2) == 0
        ? $"*/{random.Next(1, 30)} {random.Next(60)}-{random.Next(60)} * * * *"
        : random.Next(3) == 0 ? $"{random.Next(60)}-{random.Next(60)} * * * *" : $"*/{random.Next(1, 30)} {random.Next(24)} * * {(random.Next(2) == 0 ? "*" : "MON-FRI")}";

    Condition Has()
    {
        HasCondition has = random.Next(6) switch { 0 => Started, 1 => Failed, 2 => Succeeded, 3 => Finished, 4 => Terminated, _ => Skipped };
        has = random.Next(2) == 0 ? has : has.Of(Name());
        int period = IsFine ? random.Next(1, 3) : random.Next(2, 6);
        has = random.Next(4) switch
        {
            0 => has,
            1 => has.InPast(Span()),
            _ => InPart(period switch { 1 => has.ThisMinute, 2 => has.ThisHour, 3 => has.Today, 4 => has.ThisWeek, _ => has.ThisMonth }, Place(period)),
        };
        return random.Next(7) switch
        {
            0 => has >= 2, 1 => has == 1, 2 => has != 1, 3 => has < 2, 4 => has <= 1, 5 => has > 0, _ => has,
        };
    }

    HasCondition InPart(HasCondition has, Func<string> place) => random.Next(5) switch
    {
        0 => has.After(place()),
        1 => has.Between(place(), place()),
        2 => has.On(place()),
        3 => has.Starting(place()),
        _ => has,
    };

    Condition Run()
    {
        RunningCondition running = random.Next(2) == 0 ? Running() : Running(Name());
        running = random.Next(4) switch
        {
            0 => running.MoreThan(Span()),
            1 => running.LessThan(Span()),
            2 => Span() is var from && Span() is var to && from < to ? running.Between(from, to) : running,
            _ => running,
        };
        return random.Next(5) switch { 0 => running >= 2, 1 => running == 1, 2 => running != 1, 3 => running < 1, _ => running };
    }
}
