using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>And, or, not; what is known ahead; the user's own functions; catching up.</summary>
public sealed class LogicTests
{
    static readonly Instant Now = Instant.From(new DateTimeOffset(2025, 6, 3, 10, 30, 0, TimeSpan.Zero));
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Theory]
    [Trait("row", "23")]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData("~false & false | true", true)]
    [InlineData("~(false & false | true)", false)]
    [InlineData("~true | true & false", false)]
    [InlineData("(true | true) & false", false)]
    [InlineData("true | true & false", true)]
    [InlineData("not false and not false", true)]
    [InlineData("!!true & !(false | !true)", true)]
    public void Not_binds_tighter_than_and_and_tighter_than_or(string text, bool expected) =>
        Assert.Equal(expected, Condition.Parse(text).Holds(new ConditionContext { Now = Now }));

    [Fact]
    public void A_contradiction_that_changes_each_second_has_no_starts_and_that_is_soon_told()
    {
        Condition never = Condition.Parse("time of second before 100 & time of second after 900");
        Assert.Empty(never.Starts(new ConditionContext { Now = Now }));
    }

    [Fact]
    [Trait("row", "23")]
    public void What_cannot_matter_any_more_is_not_asked()
    {
        Condition broken = When("broken", (Func<bool>)(() => throw new InvalidOperationException("asked")));
        var context = new ConditionContext { Now = Now };
        Assert.False((Never & broken).Holds(context));
        Assert.True((Always | broken).Holds(context));
        Assert.Throws<InvalidOperationException>(() => (Always & broken).Holds(context));
    }

    [Fact]
    public void Conditions_that_say_the_same_are_equal_however_they_are_bracketed()
    {
        Assert.Equal(Daily & (Hourly & Weekly), Daily & Hourly & Weekly);
        Assert.NotEqual(Daily & Hourly, Hourly & Daily);
        Assert.NotEqual((Condition)Daily, TimeOfDay.Between("00:00", "24:00"));
        Assert.Equal(Succeeded.Today >= 1, Succeeded.Today);
        Assert.Equal("daily & (hourly | !weekly)", (Daily & (Hourly | !Weekly)).ToString());
    }

    [Fact]
    public void A_function_is_asked_again_after_a_while_but_only_where_its_answer_decides()
    {
        Condition when = When("open", () => true, TimeSpan.FromSeconds(5));
        var context = new ConditionContext { Now = Now };
        Instant noon = Now + TimeSpan.FromMinutes(90);
        Assert.Equal(Now + TimeSpan.FromSeconds(5), when.NextChange(context));
        Assert.Equal(noon, (when & TimeOfDay.After("12:00")).NextChange(context));
        Assert.Equal(noon, (when | TimeOfDay.Before("12:00")).NextChange(context));
        Assert.Equal(noon, (!when & TimeOfDay.After("12:00")).NextChange(context));
        Assert.Equal(Now + TimeSpan.FromSeconds(5), (!when & TimeOfDay.Before("12:00")).NextChange(context));
        Assert.Equal(Now + TimeSpan.FromSeconds(1), (when & Every("1 s")).NextChange(context with { Own = Ran(Now) }));
        Assert.Null((when & Never).NextChange(context));
    }

    [Fact]
    public void A_function_must_answer_yes_or_no_under_a_name_of_its_own()
    {
        Assert.Throws<ArgumentException>(() => When("count", () => 3));
        Assert.Throws<ArgumentException>(() => When("daily | retry 3", () => true));
        Assert.Throws<ArgumentException>(() => When(" ", () => true));
        Assert.Throws<InvalidOperationException>(() => Condition.Parse("when 'it rains'").Holds(new ConditionContext { Now = Now }));
        Assert.True(Condition.Parse("when 'it rains'").Holds(new ConditionContext { Now = Now, Ask = when => when.Name == "it rains" }));
    }

    [Theory]
    [InlineData("daily", true, false)]
    [InlineData("daily between 10:00 and 12:00", true, false)]
    [InlineData("hourly", true, false)]
    [InlineData("minutely", true, true)]
    [InlineData("daily after 10:15", true, true)]
    [InlineData("every 1 hour", true, true)]
    public void A_window_that_had_begun_before_the_start_or_the_registration_is_used_only_to_catch_up(string text, bool catchesUp, bool doesNot)
    {
        Condition condition = Condition.Parse(text);
        foreach (ConditionContext late in new[]
        {
            new ConditionContext { Now = Now, SchedulerStarted = Now - (15 * Minute) },
            new ConditionContext { Now = Now, SchedulerStarted = new Instant(0), Registered = Now - (15 * Minute) },
        })
        {
            Assert.Equal(catchesUp, condition.Holds(late));
            Assert.Equal(doesNot, condition.Holds(late with { CatchUp = false }));
        }
        var next = new ConditionContext { Now = Now + TimeSpan.FromDays(1), SchedulerStarted = Now - (15 * Minute), CatchUp = false };
        Assert.True(condition.Holds(next));
    }

    [Theory]
    [Trait("row", "67")]
    [InlineData("0 10 * * *", 1, false)]
    [InlineData("0 10 * * *", 30, false)]
    [InlineData("0 10 * * *", 31, true)]
    [InlineData("30 10 * * *", 1, true)]
    [InlineData("*/20 * * * *", 11, true)]
    [InlineData("*/20 * * * *", 1000, true)]
    public void A_cron_that_was_missed_may_still_start_within_its_misfire(string expression, int misfire, bool holds)
    {
        var context = new ConditionContext { Now = Now, Misfire = misfire * Minute };
        Assert.Equal(holds, Cron(expression).Holds(context));
        Assert.False(Cron(expression).Holds(context with { Own = Ran(Now) }));
    }

    [Fact]
    [Trait("row", "67")]
    public void Several_that_were_missed_become_one()
    {
        Condition cron = Cron("*/20 * * * *");
        var context = new ConditionContext { Now = Now, Misfire = 1000 * Minute };
        Assert.Null(cron.NextChange(context with { Misfire = TimeSpan.FromDays(4000) }) is { } change && change < Now + TimeSpan.FromDays(30) ? change : null);
        Assert.Equal(Now + (10 * Minute), cron.NextChange(context with { Own = Ran(Now) }));
    }

    [Fact]
    public void The_starts_to_come_are_those_of_a_task_that_always_ends_well()
    {
        var context = new ConditionContext { Now = Now, Own = Ran(Now) };
        string[] Starts(Condition condition, int n) => [.. condition.Starts(context).Take(n).Select(at => at.ToDateTimeOffset().ToString("MM-dd HH:mm"))];
        Assert.Equal(["06-04 00:00", "06-05 00:00", "06-06 00:00"], Starts(Daily, 3));
        Assert.Equal(["06-03 12:00", "06-04 00:00"], Starts((Daily | Every("90 minutes")) & (TimeOfDay.After("12:00") | TimeOfDay.Before("01:00")) & !Cron("* 13-23 * * *"), 2));
        Assert.Equal(["06-06 18:00", "06-13 18:00"], Starts(Cron("0 18 * * FRI"), 2));
        Assert.Equal(["06-03 22:00", "06-04 22:00"], Starts(TimeOfDay.Between("22:00", "23:00"), 2));
        Assert.Equal(["06-03 12:00", "06-03 13:30"], Starts(Every("90 minutes") & When("open", () => true), 2));
        Assert.Equal(20, Starts(Cron("*/5 9-17 * * MON-FRI"), 20).Distinct().Count());
        Assert.Empty(Starts(Daily & When("open", () => false), 20));
        Assert.Equal(["06-03 10:30"], Starts(Always, 20));
        Assert.Equal(["06-04 00:00", "06-05 00:00"], Starts(Started.Today < 2 & Daily, 2));
    }

    [Fact]
    public void An_explanation_is_a_tree_with_a_reason_at_each_leaf()
    {
        var context = new ConditionContext { Now = Now, Own = Ran(Now - (20 * Minute)), Zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin") };
        Assert.Equal(
            """
            false  (daily | retry 3) & time of day between 10:00 and 12:00 & after task 'load' (until 2025-06-04T08:00:00.000000Z)
              false  daily | retry 3 (until 2025-06-03T22:00:00.000000Z)
                false  daily: used up since 2025-06-03 00:00:00 +02:00 by the start at 2025-06-03 12:10:00 +02:00 (until 2025-06-03T22:00:00.000000Z)
                false  retry 3: the last run did not fail
              false  time of day between 10:00 and 12:00: it is 2025-06-03 12:30:00 +02:00 (until 2025-06-04T08:00:00.000000Z)
              true   after task 'load': 'load' succeeded last at 2025-06-03 12:30:00 +02:00, this one started last at 2025-06-03 12:10:00 +02:00
            """,
            ((Daily | Retry(3)) & TimeOfDay.Between("10:00", "12:00") & AfterSuccess("load")).Explain(context with { Tasks = _ => Ran(Now) }).ToString());
    }

    static TaskHistory Ran(Instant at) => TaskHistory.Of([new TaskRun
    {
        Source = "local", Id = "1", Attempt = 1, State = RunState.Completed, At = at, First = at, Updated = at, Started = at, Finished = at,
    }]);
}
