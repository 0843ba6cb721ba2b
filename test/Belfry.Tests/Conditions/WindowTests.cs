using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>What the words of times mean: named ends are included, clock times are not, and a second place before the first wraps.</summary>
public sealed class WindowTests
{
    static readonly string[] Weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    [Fact]
    [Trait("row", "26")]
    public void Days_of_the_month_are_those_between_their_names_also_in_short_months()
    {
        for (int a = 1; a <= 31; a++)
        {
            for (int b = 1; b <= 31; b++)
            {
                Agree(TimeOfMonth.Between($"{a}th", $"{b}th"), noon => IsIn(noon.Day, a, b));
            }
            Agree(TimeOfMonth.Before($"{a}th"), noon => noon.Day <= a);
            Agree(TimeOfMonth.After($"{a}th"), noon => noon.Day >= a);
            Agree(TimeOfMonth.On($"{a}th"), noon => noon.Day == a);
            Agree(TimeOfMonth.Between($"{a}th 12:00", "15th 12:00"), noon => a == 15 || (a < 15 ? noon.Day >= a && noon.Day < 15 : noon.Day >= a || noon.Day < 15));
        }
    }

    [Fact]
    [Trait("row", "26")]
    public void Days_of_the_week_are_those_between_their_names_and_weeks_begin_on_Monday()
    {
        for (int a = 0; a < 7; a++)
        {
            for (int b = 0; b < 7; b++)
            {
                Agree(TimeOfWeek.Between(Weekdays[a], Weekdays[b]), noon => IsIn(Number(noon), a, b));
            }
            Agree(TimeOfWeek.Before(Weekdays[a]), noon => Number(noon) <= a);
            Agree(TimeOfWeek.After(Weekdays[a]), noon => Number(noon) >= a);
            Agree(TimeOfWeek.On(Weekdays[a]), noon => Number(noon) == a);
        }
    }

    [Theory]
    [Trait("row", "26")]
    [InlineData("time of day between 10:00 and 12:00", "10:00-12:00")]
    [InlineData("time of day between 22:00 and 04:00", "00:00-04:00 22:00-24:00")]
    [InlineData("time of day between 10:00 and 10:00", "00:00-24:00")]
    [InlineData("time of day between 00:00 and 24:00", "00:00-24:00")]
    [InlineData("time of day between 18:30 and 24:00", "18:30-24:00")]
    [InlineData("time of day before 10:00", "00:00-10:00")]
    [InlineData("time of day after 10:00", "10:00-24:00")]
    [InlineData("time of day on 10:00", "10:00-11:00")]
    [InlineData("time of day at 23:30", "00:00-00:30 23:30-24:00")]
    [InlineData("time of day starting 10:00", "00:00-24:00")]
    [InlineData("time of hour between 45:00 and 15:00 & time of day on 10:00", "10:00-10:15 10:45-11:00")]
    [InlineData("time of hour on 15:00 & time of day on 10:00", "10:15-10:16")]
    [InlineData("time of minute before 30 & time of day on 10:00 & time of hour before 01:00", "10:00-10:00:30")]
    [InlineData("time of minute on 45 & time of day on 10:00 & time of hour before 01:00", "10:00:45-10:00:46")]
    [InlineData("time of week between Tue 10:00 and Tue 12:00", "10:00-12:00")]
    [InlineData("time of week on Mon 10:00", "00:00-10:00")]
    [InlineData("time of month on 3rd 10:00", "10:00-24:00")]
    [InlineData("crontime 15-17 10 * * *", "10:15-10:18")]
    public void Clock_times_of_a_Tuesday_include_their_first_second_and_not_their_last(string text, string expected)
    {
        var midnight = Instant.From(new DateTimeOffset(2025, 6, 3, 0, 0, 0, TimeSpan.Zero));
        Condition condition = Condition.Parse(text);
        bool IsExpected(TimeSpan time) => expected.Split(' ').Select(span => span.Split('-')).Any(span => Time(span[0]) <= time && time < Time(span[1]));
        for (int second = 0; second < 86_400; second++)
        {
            TimeSpan time = TimeSpan.FromSeconds(second);
            Assert.True(condition.Holds(new ConditionContext { Now = midnight + time }) == IsExpected(time), $"{text} at {time}");
        }
    }

    [Theory]
    [Trait("row", "25")]
    [InlineData("secondly", "2025-06-03T10:20:30Z", "2025-06-03T10:20:31Z")]
    [InlineData("minutely", "2025-06-03T10:20:30Z", "2025-06-03T10:21:00Z")]
    [InlineData("minutely on 45", "2025-06-03T10:20:45.5Z", "2025-06-03T10:21:45Z")]
    [InlineData("hourly", "2025-06-03T10:20:30Z", "2025-06-03T11:00:00Z")]
    [InlineData("hourly at 15:00", "2025-06-03T10:15:30Z", "2025-06-03T11:15:00Z")]
    [InlineData("daily", "2025-06-03T10:20:30Z", "2025-06-04T00:00:00Z")]
    [InlineData("daily before 09:00", "2025-06-03T08:20:30Z", "2025-06-04T00:00:00Z")]
    [InlineData("daily after 09:00", "2025-06-03T10:20:30Z", "2025-06-04T09:00:00Z")]
    [InlineData("daily between 22:00 and 04:00", "2025-06-03T23:20:30Z", "2025-06-04T22:00:00Z")]
    [InlineData("daily starting 06:00", "2025-06-03T05:20:30Z", "2025-06-03T06:00:00Z")]
    [InlineData("weekly", "2025-06-03T10:20:30Z", "2025-06-09T00:00:00Z")]
    [InlineData("weekly between Mon and Fri", "2025-06-06T23:59:59Z", "2025-06-09T00:00:00Z")]
    [InlineData("weekly on Tue 10:00", "2025-06-03T10:20:30Z", "2025-06-10T10:00:00Z")]
    [InlineData("monthly", "2025-06-03T10:20:30Z", "2025-07-01T00:00:00Z")]
    [InlineData("monthly on 31st", "2025-05-31T10:20:30Z", "2025-07-31T00:00:00Z")]
    [InlineData("monthly starting 31st", "2025-01-31T10:20:30Z", "2025-03-01T00:00:00Z")]
    [InlineData("monthly before 5th", "2025-06-05T10:20:30Z", "2025-07-01T00:00:00Z")]
    public void A_period_is_used_up_by_a_start_whatever_its_end_and_free_again_in_the_next(string text, string started, string free)
    {
        Condition condition = Condition.Parse(text);
        Assert.True(Instant.TryParse(started, out Instant start) & Instant.TryParse(free, out Instant next));
        foreach (RunState state in Enum.GetValues<RunState>().Where(state => state is not (RunState.Pending or RunState.Queued or RunState.Lost)))
        {
            var context = new ConditionContext { Now = start };
            Assert.True(condition.Holds(context));
            Instant? end = state == RunState.Running ? null : start;
            context = context with
            {
                Own = TaskHistory.Of([new TaskRun { Source = "s", Id = "i", Attempt = 1, State = state, At = start, First = start, Updated = start, Started = start, Finished = end }]),
            };
            Assert.False(condition.Holds(context));
            Assert.Equal(next, condition.NextChange(context));
            Assert.True(condition.Holds(context with { Now = next }));
        }
    }

    [Fact]
    public void Between_times_of_a_month_that_is_over_before_it_begins_nothing_holds() =>
        Assert.Null((TimeOfMonth.On("29th") & TimeOfMonth.On("30th")).NextChange(new ConditionContext { Now = new Instant(0) }));

    static void Agree(Condition condition, Func<DateTime, bool> expected)
    {
        for (var noon = new DateTime(2023, 12, 30, 12, 0, 0); noon < new DateTime(2025, 4, 2); noon = noon.AddDays(1))
        {
            var now = Instant.From(new DateTimeOffset(noon, TimeSpan.Zero));
            Assert.True(condition.Holds(new ConditionContext { Now = now }) == expected(noon), $"{condition} on {noon:d}");
        }
    }

    static bool IsIn(int day, int a, int b) => a <= b ? day >= a && day <= b : day >= a || day <= b;

    static int Number(DateTime date) => ((int)date.DayOfWeek + 6) % 7;

    static TimeSpan Time(string text) => text == "24:00" ? TimeSpan.FromDays(1) : TimeSpan.Parse(text);
}
