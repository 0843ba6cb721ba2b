namespace Belfry.Tests.Scheduling;

/// <summary>A year in which tasks run: what they are, how each of their runs ends, and when the process is down. Both models live in the same one.</summary>
sealed class World
{
    public static readonly TimeSpan Step = TimeSpan.FromMinutes(30); // everything in it happens at multiples of this
    static readonly TimeZoneInfo Zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    static readonly string[] Starts =
    [
        "daily", "daily between 10:00 and 12:00", "daily after 18:00", "daily between 22:00 and 04:00", "(daily | retry 3) & time of day between 10:00 and 12:00",
        "daily | retry 2 after 1 hour", "hourly & time of day between 08:00 and 17:00", "weekly on Tue", "weekly between Fri and Mon", "monthly on 1st",
        "monthly starting 5th", "every 3 hours", "every 6 hours based on success", "every 12 hours based on finish | retry 1", "cron 0 */4 * * *",
        "cron 30 2 * * *", "cron 30 9 * * MON-FRI", "cron 0 0 L * *", "cron 30 1-3 * * * | retry 2 after 30 min", "every 8 hours & time of week between Mon and Fri",
        "after task '{0}'", "after task '{0}' failed", "after task '{0}' finished & time of day after 06:00", "after any tasks '{0}', '{1}'", "after tasks '{0}', '{1}' finished",
        "after task '{0}' & daily", "daily & task '{0}' has succeeded today", "daily after 20:00 & !task '{0}' has failed today",
        "every 6 hours & task '{0}' has finished past 2 days >= 3", "has failed this week < 2 & every 5 hours", "every 10 hours | after task '{0}' terminated",
    ];

    readonly int _seed;

    public World(int seed, int tasks, int days)
    {
        _seed = seed;
        var random = new Random(seed);
        Begin = Instant.From(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero));
        End = Begin + TimeSpan.FromDays(days);
        Tasks = [.. Enumerable.Range(0, tasks).Select(n => Task(n, tasks, random))];
        for (Instant at = Begin + TimeSpan.FromDays(1); at < End; at += TimeSpan.FromDays(random.Next(1, 14)))
        {
            at = Begin + (Step * ((int)((at - Begin) / Step) + random.Next(1, 48)));
            TimeSpan length = Step * random.Next(1, random.Next(4) == 0 ? 150 : 8);
            Outages.Add((at, length, random.Next(2) == 0));
            at += length;
        }
    }

    public Instant Begin { get; }

    public Instant End { get; }

    public IReadOnlyList<TaskDefinition> Tasks { get; }

    /// <summary>When the process goes down, for how long, and whether it crashes: else it ends its runs first.</summary>
    public List<(Instant At, TimeSpan Length, bool Crash)> Outages { get; } = [];

    /// <summary>How a run goes.</summary>
    public (TimeSpan Length, EventKind Kind, bool TimedOut) Run(string task, Instant started, int attempt)
    {
        var random = new Random((int)((((_seed * 31L) + int.Parse(task[5..])) * 1_000_003L + started.Micros / 1_000_000) * 7919L + attempt));
        TimeSpan length = Step * (random.Next(20) == 0 ? random.Next(1, 60) : random.Next(1, 4));
        return random.Next(100) switch
        {
            < 75 => (length, EventKind.Succeeded, false),
            < 90 => (length, EventKind.Failed, false),
            < 94 => (length, EventKind.Cancelled, true),
            < 97 => (length, EventKind.Skipped, false),
            _ => (length, EventKind.Cancelled, false),
        };
    }

    static TaskDefinition Task(int n, int tasks, Random random)
    {
        string text = Starts[n % Starts.Length];
        string Other() => $"task-{random.Next(tasks)}";
        return new TaskDefinition
        {
            Name = $"task-{n}",
            Start = Condition.Parse(string.Format(text, Other(), Other())),
            Handler = (_, _) => System.Threading.Tasks.Task.FromResult<object?>(null),
            Options = new TaskOptions
            {
                TimeZone = random.Next(3) == 0 ? TimeZoneInfo.Utc : Zone,
                Overlap = random.Next(4) == 0 ? OverlapPolicy.Queue : OverlapPolicy.Skip,
                Misfire = random.Next(3) == 0 ? TimeSpan.FromMinutes(45) : TimeSpan.FromMinutes(1),
                CatchUp = random.Next(4) != 0,
                Crash = random.Next(2) == 0 ? CrashPolicy.RunAgain : CrashPolicy.Wait,
                RetryLost = random.Next(4) == 0,
            },
        };
    }
}

/// <summary>One attempt, as both models tell it: the run is known by when its first attempt started.</summary>
readonly record struct Told(string Task, Instant First, int Attempt, Instant Started, Instant? Ended, RunState State);
