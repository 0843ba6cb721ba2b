using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>The text form: everything that can be said reads to the same condition as in code, and what is not understood is refused with its place.</summary>
public sealed class ReadingTests
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static TheoryData<string, string> Forms { get; } = new()
    {
        { "true", Of(Always) }, { "false", Of(Never) }, { "always true", Of(Always) }, { "always false", Of(Never) }, { "always", Of(Always) }, { "never", Of(Never) },
        { "secondly", Of(Secondly) }, { "minutely", Of(Minutely) }, { "hourly", Of(Hourly) }, { "daily", Of(Daily) }, { "weekly", Of(Weekly) }, { "monthly", Of(Monthly) },
        { "daily before 10:00", Of(Daily.Before("10:00")) }, { "daily between 10:00 and 12:00", Of(Daily.Between("10:00", "12:00")) },
        { "daily after 10:00", Of(Daily.After("10:00")) }, { "daily starting 10:00", Of(Daily.Starting("10:00")) }, { "daily on 10:00", Of(Daily.On("10:00")) },
        { "daily at 10:00", Of(Daily.At("10:00")) }, { "hourly between 15:00 and 30:00", Of(Hourly.Between("15:00", "30:00")) }, { "minutely after 45", Of(Minutely.After("45")) },
        { "weekly on Monday", Of(Weekly.On("Mon")) }, { "weekly between mon and Fri 18:00", Of(Weekly.Between("Monday", "Fri 18:00")) },
        { "monthly before 5th", Of(Monthly.Before("5.")) }, { "monthly after 5th 10:00", Of(Monthly.After("5th 10:00")) }, { "secondly before 250", Of(Secondly.Before("250")) },
        { "every 10 minutes", Of(Every("10 min")) }, { "every 1h 30m", Of(Every("01:30:00")) }, { "every 90 mins", Of(Every(TimeSpan.FromMinutes(90))) },
        { "every 1.5 hours", Of(Every(TimeSpan.FromMinutes(90))) }, { "every 2 weeks", Of(Every(TimeSpan.FromDays(14))) }, { "every 500 ms", Of(Every("0.5 s")) },
        { "every 10s based on run", Of(Every("10 s")) }, { "every 10s based on success", Of(Every("10 s", Based.Success)) },
        { "every 10s based on fail", Of(Every("10 s", Based.Failure)) }, { "every 10s based on finish", Of(Every("10 s", Based.Finish)) },
        { "cron 0 8 * * mon-fri", Of(Cron("0 8 * * MON-FRI")) }, { "cron @daily", Of(Cron("0 0 * * *")) }, { "crontime 1,2,3 8 * * *", Of(CronTime("1,2,3 8 * * *")) },
        { "time of month between 1st and 5th", Of(TimeOfMonth.Between("1st", "5th")) }, { "time of month after 5th", Of(TimeOfMonth.After("5th")) },
        { "time of month before 5th", Of(TimeOfMonth.Before("5th")) }, { "time of month on 5th", Of(TimeOfMonth.On("5th")) },
        { "time of week between Mon and Fri", Of(TimeOfWeek.Between("Mon", "Fri")) }, { "time of week on Mon", Of(TimeOfWeek.On("Mon")) },
        { "time of day between 22:00 and 04:00", Of(TimeOfDay.Between("22:00", "04:00")) }, { "time of day on 10:00", Of(TimeOfDay.On("10:00")) },
        { "time of hour before 15:00", Of(TimeOfHour.Before("15:00")) }, { "time of minute between 10 and 20.5", Of(TimeOfMinute.Between("10", "20.5")) },
        { "has started", Of(Started) }, { "has failed today", Of(Failed.Today) }, { "has succeeded this hour", Of(Succeeded.ThisHour) },
        { "has finished this minute", Of(Finished.ThisMinute) }, { "has terminated this week", Of(Terminated.ThisWeek) }, { "has inacted this month", Of(Skipped.ThisMonth) },
        { "has skipped this day", Of(Skipped.Today) }, { "task 'x' has started", Of(Started.Of("x")) }, { "task \"x\" has succeeded today", Of(Succeeded.Of("x").Today) },
        { "has succeeded today between 10:00 and 12:00", Of(Succeeded.Today.Between("10:00", "12:00")) }, { "has succeeded today after 10:00", Of(Succeeded.Today.After("10:00")) },
        { "has succeeded today before 10:00", Of(Succeeded.Today.Before("10:00")) }, { "has succeeded today on 10:00", Of(Succeeded.Today.On("10:00")) },
        { "has succeeded today starting 10:00", Of(Succeeded.Today.Starting("10:00")) }, { "has succeeded this week before Tue", Of(Succeeded.ThisWeek.Before("Tue")) },
        { "has failed past 1 hour", Of(Failed.InPast(Hour)) }, { "task 'x' has failed in past 1 hour", Of(Failed.Of("x").InPast(Hour)) },
        { "has failed today >= 2", Of(Failed.Today >= 2) }, { "has failed == 2", Of(Failed == 2) }, { "has failed != 2", Of(Failed != 2) }, { "has failed < 2", Of(Failed < 2) },
        { "has failed <= 2", Of(Failed <= 2) }, { "has failed past 1 hour > 2", Of(Failed.InPast(Hour) > 2) }, { "has failed >= 1", Of(Failed) },
        { "task 'x' is running", Of(Running("x")) }, { "while task 'x' is running", Of(Running("x")) }, { "is running", Of(Running()) },
        { "task 'x' is running for more than 1 hour", Of(Running("x").MoreThan(Hour)) }, { "is running for less than 1 hour", Of(Running().LessThan(Hour)) },
        { "is running for between 1 hour and 2 hours == 3", Of(Running().Between(Hour, 2 * Hour) == 3) }, { "task 'x' is running <= 4", Of(Running("x") <= 4) },
        { "after task 'x'", Of(AfterSuccess("x")) }, { "after task 'x' succeeded", Of(AfterSuccess("x")) }, { "after task 'x' failed", Of(AfterFail("x")) },
        { "after task 'x' finished", Of(AfterFinish("x")) }, { "after task 'x' terminated", Of(AfterTerminate("x")) },
        { "after tasks 'x', 'y'", Of(AfterAllSuccess("x", "y")) }, { "after tasks 'x','y' failed", Of(AfterAllFail("x", "y")) }, { "after all tasks 'x', 'y' finished", Of(AfterAllFinish("x", "y")) },
        { "after any tasks 'x', 'y'", Of(AfterAnySuccess("x", "y")) }, { "after any tasks 'x', 'y', 'z' finished", Of(AfterAnyFinish("x", "y", "z")) },
        { "after any tasks 'x', 'y' failed", Of(AfterAnyFail("x", "y")) },
        { "retry", Of(Retry()) }, { "retry 3", Of(Retry(3)) }, { "retry 3 after 10 minutes", Of(Retry(3, TimeSpan.FromMinutes(10))) },
        { "retry after 10 minutes times 1.5", Of(Retry(null, TimeSpan.FromMinutes(10), 1.5)) },
        { "scheduler has run over 1 hour", Of(SchedulerRunning.MoreThan(Hour)) }, { "scheduler started 1 hour ago", Of(SchedulerRunning.LessThan(Hour)) },
        { "env 'Production'", Of(Env("Production")) }, { "param 'p' exists", Of(ParamExists("p")) }, { "param 'p' is 'v'", Of(ParamIs("p", "v")) },
        { "when 'it rains'", Of(When("it rains", () => true)) },
        { "(daily | retry 3) & time of day between 10:00 and 12:00", Of((Daily | Retry(3)) & TimeOfDay.Between("10:00", "12:00")) },
        { " ( DAILY or Retry 3 )\n and Time Of Day between 10:00 AND 12:00 ", Of((Daily | Retry(3)) & TimeOfDay.Between("10:00", "12:00")) },
        { "not daily and hourly or ~minutely & !secondly", Of((!Daily & Hourly) | (!Minutely & !Secondly)) },
        { "!(daily | hourly) & not not weekly", Of(!(Daily | Hourly) & !!Weekly) },
        { "((daily) & (hourly & weekly))", Of(Daily & Hourly & Weekly) },
        { "after task 'a & (b) ~ | c'''", Of(AfterSuccess("a & (b) ~ | c'")) },
    };

    [Theory]
    [Trait("row", "35")]
    [MemberData(nameof(Forms))]
    public void Every_form_reads_to_the_condition_that_code_has_for_it(string text, string inCode)
    {
        Condition read = Condition.Parse(text);
        Assert.Equal(inCode, read.ToString());
        Assert.Equal(read, Condition.Parse(inCode));
    }

    [Theory]
    [Trait("row", "35")]
    [InlineData("", 0, "expected a condition, but the text ends")]
    [InlineData("   ", 3, "expected a condition, but the text ends")]
    [InlineData("dayly", 0, "expected a condition, not 'dayly'")]
    [InlineData("*/5 * * * *", 0, "a cron expression begins with that word: cron */5 * * * *")]
    [InlineData(" @daily", 1, "begins with that word: cron @daily")]
    [InlineData("true & & false", 7, "expected a condition, not '&'")]
    [InlineData("true ~ false", 5, "expected &, | or the end, not '~'")]
    [InlineData("(daily | retry 3", 0, "this bracket is never closed")]
    [InlineData("(daily hourly)", 7, "expected &, | or ), not 'hourly'")]
    [InlineData("daily)", 5, "not ')'")]
    [InlineData("daily & 'hourly'", 8, "expected a condition, not 'hourly'")]
    [InlineData("monthly on 32nd", 11, "expected a day of the month like 1st, 31st or 5th 10:00, not '32nd'")]
    [InlineData("weekly on Foo", 10, "expected a day of the week")]
    [InlineData("time of day between 10 and 14", 20, "expected a clock time like 10:00, not '10'")]
    [InlineData("time of day between 25:00 and 14:00", 20, "clock time")]
    [InlineData("time of day between 24:00 and 14:00", 20, "24:00 is an end; a start is 00:00")]
    [InlineData("time of day between 10:00 or 14:00", 26, "expected 'and', not 'or'")]
    [InlineData("time of day before 00:00", 19, "nothing lies before 00:00")]
    [InlineData("weekly before Mon 00:00", 14, "nothing lies before Mon 00:00")]
    [InlineData("time of month before 1st 00:00", 21, "nothing lies before 1st 00:00")]
    [InlineData("time of day", 11, "expected between, before, after or on, but the text ends")]
    [InlineData("time of 3 between 1 and 2", 8, "expected minute, hour, day, week or month, not '3'")]
    [InlineData("hourly on 15", 10, "minutes and seconds of an hour like 15:00")]
    [InlineData("minutely on 60", 12, "seconds of a minute like 45")]
    [InlineData("every 10", 6, "'10' is no duration: say of which unit")]
    [InlineData("every -10 minutes", 6, "expected a duration like 10 minutes, 1h 30min or 01:30:00, not '-10'")]
    [InlineData("every 0 minutes", 6, "a duration must be above zero")]
    [InlineData("every 10 parsecs", 6, "'10' is no duration")]
    [InlineData("every", 5, "expected a duration")]
    [InlineData("every 10 minutes based on luck", 26, "expected run, success, failure or finish, not 'luck'")]
    [InlineData("daily & cron 0 8 * * 9", 21, "'9' is no day of the week; it is 0 to 7")]
    [InlineData("cron 0 8 30 feb *", 9, "it can never match")]
    [InlineData("cron 0 8 * * & daily", 12, "has 5 fields")]
    [InlineData("after task x", 11, "expected the name of a task in quotes, not 'x'")]
    [InlineData("after task 'x", 11, "this quote is never closed")]
    [InlineData("after task 'x' exploded", 15, "expected succeeded, failed, finished or terminated, not 'exploded'")]
    [InlineData("after tasks 'x',", 16, "expected the name of a task")]
    [InlineData("task 'x' was running", 9, "expected has or is, not 'was'")]
    [InlineData("while task 'x' has failed", 15, "expected is running, not 'has'")]
    [InlineData("time of day,hour between 1 and 2", 8, "expected minute, hour, day, week or month, not 'day,hour'")]
    [InlineData("has exploded", 4, "expected started, succeeded, failed, finished, terminated or skipped, not 'exploded'")]
    [InlineData("has failed this year", 16, "expected minute, hour, day, week or month, not 'year'")]
    [InlineData("has failed today >= many", 20, "expected a number, not 'many'")]
    [InlineData("is running for between 2 h and 1 h", 15, "the second age must be greater")]
    [InlineData("retry 0", 6, "retry at least 1 time")]
    [InlineData("retry -1", 6, "not '-1'")]
    [InlineData("retry 3 after 1 h times 0", 24, "expected a factor from 0.001 to 1000, not '0'")]
    [InlineData("retry 3 times 2", 8, "expected &, | or the end, not 'times'")]
    [InlineData("scheduler has more than 3 cycles", 0, "has no cycles to count")]
    [InlineData("scheduler sleeps", 10, "expected 'has', not 'sleeps'")]
    [InlineData("param 'p' was 'v'", 10, "expected exists or is, not 'was'")]
    public void What_is_not_understood_is_refused_with_its_place_and_with_what_was_expected(string text, int position, string what)
    {
        var mistake = Assert.Throws<ConditionException>(() => Condition.Parse(text));
        Assert.Contains(what, mistake.Message, StringComparison.Ordinal);
        Assert.Equal(position, mistake.Position);
        Assert.EndsWith($" (at {position + 1})", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_code_says_more_exactly_than_texts_can_is_cut_to_what_they_can()
    {
        TimeSpan tick = TimeSpan.FromTicks(1);
        Assert.Equal(Condition.Parse("every 1 hour"), Every(Hour + tick));
        Assert.Equal(Condition.Parse("is running for between 1 hour and 2 hours"), Running().Between(Hour + tick, (2 * Hour) + tick));
        Assert.Throws<ArgumentOutOfRangeException>(() => Running().Between(Hour, TimeSpan.MaxValue));
    }

    [Fact]
    public void Brackets_without_end_are_refused_before_they_break_the_reader()
    {
        Assert.Contains("100 brackets", Assert.Throws<ConditionException>(() => Condition.Parse(new string('(', 100_000) + "daily")).Message, StringComparison.Ordinal);
        Assert.Contains("100 brackets", Assert.Throws<ConditionException>(() => Condition.Parse(new string('!', 100_000) + "daily")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_of_chance_is_read_or_refused_with_a_place_in_it()
    {
        string[] words = [.. Forms.SelectMany(form => form.Data.Item1.Split(' ')).Distinct(), "'", "(", ")", "&", "|", "~", "999999999999", "1e9 s", ":", "24:00", "🔔"];
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            string text = string.Join(' ', Enumerable.Range(0, random.Next(1, 9)).Select(_ => words[random.Next(words.Length)]));
            try
            {
                Assert.Equal(Condition.Parse(text), Condition.Parse(Condition.Parse(text).ToString()));
            }
            catch (ConditionException mistake)
            {
                Assert.InRange(mistake.Position, 0, text.Length);
            }
        }
    }

    [Theory]
    [InlineData("it rains & daily")]
    [InlineData("IT  rains and daily")]
    [InlineData("when 'it rains' & daily")]
    public void A_function_of_the_users_is_called_by_its_name(string text)
    {
        bool rains = false;
        WhenCondition when = When("it rains", () => rains, TimeSpan.FromSeconds(5));
        Condition condition = Condition.Parse(text, [when, When("it", () => true), When("not it", () => true)]);
        Assert.Equal(when & Daily, condition);
        var context = new ConditionContext { Now = new Instant(0) };
        Assert.False(condition.Holds(context));
        rains = true;
        Assert.True(condition.Holds(context));
        Assert.Equal(new Instant(5_000_000), condition.NextChange(context));
    }

    [Fact]
    public void A_function_with_any_name_can_be_called_in_quotes()
    {
        foreach (string name in new[] { "it's \"fine\"", "rain & shine", "not sure", "(", "has rained" })
        {
            WhenCondition when = When(name, () => true);
            Assert.True(Condition.Parse(when.ToString(), [when]).Holds(new ConditionContext { Now = new Instant(0) }));
        }
        Assert.Equal(!When("sure", () => true), Condition.Parse("not sure", [When("sure", () => true)]));
        Assert.Equal(When("not sure", () => true), Condition.Parse("not sure", [When("sure", () => true), When("not sure", () => true)]));
    }

    static string Of(Condition condition) => condition.ToString();
}
