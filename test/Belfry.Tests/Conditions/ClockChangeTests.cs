using Belfry.Testing;
using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>Every change of every clock from 2015 to 2035: what runs by the day, the hour or by cron starts as documented, never twice, never not.</summary>
public sealed class ClockChangeTests
{
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Half an hour, over midnight, a day left out, a second change within weeks, other rules.</summary>
    static readonly string[] Peculiar =
    [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Pyongyang", "America/Caracas",
        "Africa/Cairo", "America/Havana", "America/Santiago", "Antarctica/Troll", "Antarctica/Casey", "Asia/Tehran", "America/Scoresbysund", "Pacific/Bougainville",
    ];

    [Fact]
    public void At_every_change_of_every_clock_tasks_start_as_documented_never_twice_and_never_not()
    {
        int changes = 0;
        foreach ((TimeZoneInfo zone, int index) in Walls.Zones.Select((zone, index) => (zone, index)))
        {
            if (Peculiar.Contains(zone.Id) || index % Soak.Count(12, 1) == 0)
            {
                foreach (Instant change in Walls.Changes(zone, 2015, 2036).Where((_, nth) => nth % Soak.Count(3, 1) == index % Soak.Count(3, 1)))
                {
                    Assert.Equal([], Differences(zone, change));
                    changes++;
                }
            }
        }
        Assert.True(changes > Soak.Count(200, 5000), $"only {changes} changes were looked at");
    }

    [Fact]
    public void A_day_that_the_calendar_leaves_out_is_not_waited_for()
    {
        var samoa = TimeZoneInfo.FindSystemTimeZoneById("Pacific/Apia");
        Instant gap = At("2011-12-30T10:00:00Z"); // 30 December 2011 does not exist there
        Assert.Equal([gap, gap + TimeSpan.FromDays(1)], Starts(Daily, samoa, gap - TimeSpan.FromHours(3), gap + TimeSpan.FromHours(30)));
        Assert.Equal([gap + TimeSpan.FromHours(1)], Starts(Cron("0 1 * * *"), samoa, gap + Minute, gap + TimeSpan.FromHours(20)));
    }

    static IEnumerable<string> Differences(TimeZoneInfo zone, Instant change)
    {
        Instant from = change - TimeSpan.FromHours(30), to = change + TimeSpan.FromHours(30);
        (Instant At, DateTime Wall, DateTime[] New)[] minutes = [.. Minutes(zone, from, to)];
        Instant[] Firsts(Func<DateTime, bool> matches) => [.. minutes.Where(minute => minute.New.Any(matches)).Select(minute => minute.At)];
        Instant[] Shown(Func<DateTime, bool> matches) => [.. minutes.Where(minute => matches(minute.Wall)).Select(minute => minute.At)];
        (Condition Condition, Instant[] Expected)[] schedules =
        [
            (Daily, Firsts(wall => wall is { Hour: 0, Minute: 0 })),
            (Daily.Between("02:30", "03:30"), Firsts(wall => wall is { Hour: 2, Minute: 30 })),
            (Daily.Between("00:15", "00:45"), Firsts(wall => wall is { Hour: 0, Minute: 15 })),
            (Daily.Starting("01:45"), Firsts(wall => wall is { Hour: 1, Minute: 45 })),
            (Weekly.Starting("Sun 02:30"), Firsts(wall => wall is { DayOfWeek: DayOfWeek.Sunday, Hour: 2, Minute: 30 })),
            (Weekly.Between("Sat 23:30", "Sun 02:45"), Firsts(wall => wall is { DayOfWeek: DayOfWeek.Saturday, Hour: 23, Minute: 30 })),
            (Monthly, Firsts(wall => wall is { Day: 1, Hour: 0, Minute: 0 })),
            (Hourly, [.. Hours(minutes, from)]),
            (Cron("30 2 * * *"), Firsts(wall => wall is { Hour: 2, Minute: 30 })),
            (Cron("0 0 * * *"), Firsts(wall => wall is { Hour: 0, Minute: 0 })),
            (Cron("*/20 0-3,23 * * *"), Firsts(wall => wall is { Hour: <= 3 or 23 } && wall.Minute % 20 == 0)),
            (Cron("15,45 * * * *"), Shown(wall => wall.Minute is 15 or 45)),
        ];
        foreach ((Condition condition, Instant[] expected) in schedules)
        {
            Instant[] starts = [.. Starts(condition, zone, from, to)];
            if (!starts.SequenceEqual(expected))
            {
                yield return $"{condition} in {zone.Id} near {change}: {string.Join(' ', starts)}, not {string.Join(' ', expected)}";
            }
        }
    }

    /// <summary>Each minute after the first, what the wall shows, and what it has come to, or passed over, for the first time.</summary>
    static IEnumerable<(Instant At, DateTime Wall, DateTime[] New)> Minutes(TimeZoneInfo zone, Instant from, Instant to)
    {
        DateTime latest = DateTime.MinValue;
        for (Instant at = from - TimeSpan.FromHours(30); at < to; at += Minute)
        {
            DateTime wall = Walls.At(at, zone), before = latest == DateTime.MinValue ? wall : latest;
            DateTime[] seen = wall <= before ? [] : [.. Enumerable.Range(1, (int)(wall - before).TotalMinutes).Select(n => before.AddMinutes(n))];
            latest = wall > before ? wall : before;
            if (at > from)
            {
                yield return (at, wall, seen);
            }
        }
    }

    /// <summary>An hour begins as many minutes ago as the wall shows; it is used once.</summary>
    static IEnumerable<Instant> Hours((Instant At, DateTime Wall, DateTime[] New)[] minutes, Instant last)
    {
        foreach ((Instant at, DateTime wall, _) in minutes)
        {
            if (last < at - TimeSpan.FromMinutes(wall.Minute))
            {
                yield return last = at;
            }
        }
    }

    /// <summary>When a task that started at one instant starts again until another, if each run ends at once.</summary>
    static IEnumerable<Instant> Starts(Condition condition, TimeZoneInfo zone, Instant from, Instant to)
    {
        var context = new ConditionContext { Now = from, Zone = zone, Own = Ran(from) };
        while (condition.NextChange(context) is { } change && change < to)
        {
            context = context with { Now = change };
            if (condition.Holds(context))
            {
                yield return change;
                context = context with { Own = Ran(change) };
            }
        }
    }

    static TaskHistory Ran(Instant at) => TaskHistory.Of([new TaskRun
    {
        Source = "local", Id = "1", Attempt = 1, State = RunState.Completed, At = at, First = at, Updated = at, Started = at, Finished = at,
    }]);

    static Instant At(string text) => Instant.TryParse(text, out Instant at) ? at : throw new FormatException(text);
}
