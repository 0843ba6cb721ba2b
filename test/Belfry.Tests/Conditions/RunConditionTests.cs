using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>Conditions about runs: every, after, has, is running, retry.</summary>
public sealed class RunConditionTests
{
    static readonly Instant Now = Instant.From(new DateTimeOffset(2025, 6, 3, 10, 0, 0, TimeSpan.Zero));
    static readonly RunState[] Ends = [RunState.Completed, RunState.Failed, RunState.Cancelled, RunState.Skipped, RunState.Lost, RunState.Retried];

    [Theory]
    [Trait("row", "24")]
    [InlineData(Based.Run, "")]
    [InlineData(Based.Success, "Completed")]
    [InlineData(Based.Failure, "Failed timeout")]
    [InlineData(Based.Finish, "Completed Failed timeout Cancelled Skipped Lost")]
    public void Every_counts_from_the_last_end_of_its_kind_and_never_sooner_than_from_the_last_start(Based based, string counted)
    {
        Condition condition = Every("20 minutes", based);
        foreach (RunState state in Ends)
        {
            foreach (string? reason in state == RunState.Cancelled ? new[] { null, "timeout" } : [null])
            {
                int from = counted.Split(' ').Contains(reason ?? state.ToString()) ? 10 : 30;
                ConditionContext context = Context(Run("a", 1, state, 30, 10, reason)) with { Crash = CrashPolicy.Wait };
                Assert.Equal(from == 30, condition.Holds(context));
                Assert.Equal(from == 30 ? null : Ago(10) + TimeSpan.FromMinutes(20), condition.NextChange(context));
                ConditionContext restarted = context with { Own = context.Own.With(Run("b", 1, RunState.Running, 5)) };
                Assert.Equal(Ago(5) + TimeSpan.FromMinutes(20), condition.NextChange(restarted));
            }
        }
        Assert.True(condition.Holds(Context()));
    }

    [Theory]
    [Trait("row", "24")]
    [InlineData("250 ms", 0.25)]
    [InlineData("1 s", 1)]
    [InlineData("2 minutes", 120)]
    [InlineData("3h", 10_800)]
    [InlineData("1 day", 86_400)]
    [InlineData("2 weeks", 1_209_600)]
    [InlineData("01:00:01", 3601)]
    public void A_duration_has_a_unit_from_milliseconds_to_weeks(string text, double seconds) =>
        Assert.Equal(Now + TimeSpan.FromSeconds(seconds), Every(text).NextChange(Context(Run("a", 1, RunState.Running, 0))));

    [Fact]
    [Trait("row", "24")]
    public void A_number_without_a_unit_is_no_duration() => Assert.Throws<ConditionException>(() => Every("10"));

    [Theory]
    [Trait("row", "28")]
    [InlineData("succeeded", "Completed", "Completed")]
    [InlineData("failed", "Failed timeout", "Failed timeout")]
    [InlineData("terminated", "Cancelled timeout", "Cancelled timeout")]
    [InlineData("finished", "Completed Failed timeout Cancelled Lost", "Completed Failed timeout")]
    public void After_a_task_means_a_later_end_of_that_kind_than_the_own_last_start(string end, string released, string releasedWithoutAnyEnd)
    {
        Condition condition = Condition.Parse($"after task 'load' {end}");
        foreach (RunState state in Ends)
        {
            foreach (string? reason in state == RunState.Cancelled ? new[] { null, "timeout" } : [null])
            {
                ConditionContext context = Context() with { Tasks = Only("load", Run("x", 1, state, 30, 10, reason)) };
                bool Releases(string list) => list.Split(' ').Contains(reason ?? state.ToString());
                Assert.Equal(Releases(released), condition.Holds(context));
                Assert.Equal(Releases(releasedWithoutAnyEnd), condition.Holds(context with { AfterFinishAnyEnd = false }));
                Assert.Equal(Releases(released), condition.Holds(context with { Own = TaskHistory.Of([Run("a", 1, RunState.Running, 20)]) }));
                Assert.False(condition.Holds(context with { Own = TaskHistory.Of([Run("a", 1, RunState.Running, 10)]) }));
                Assert.Null(condition.NextChange(context));
            }
        }
        Assert.False(condition.Holds(Context()));
    }

    [Fact]
    [Trait("row", "28")]
    public void After_all_waits_for_each_and_after_any_for_one()
    {
        ConditionContext one = Context() with { Tasks = Only("a", Run("x", 1, RunState.Completed, 30, 10)) };
        ConditionContext both = Context() with { Tasks = _ => TaskHistory.Of([Run("x", 1, RunState.Completed, 30, 10)]) };
        Assert.Equal((false, true), (AfterAllSuccess("a", "b").Holds(one), AfterAllSuccess("a", "b").Holds(both)));
        Assert.Equal((true, true), (AfterAnySuccess("a", "b").Holds(one), AfterAnySuccess("a", "b").Holds(both)));
        Assert.Equal((false, false), (AfterAnyFail("a", "b").Holds(one), AfterAllFail("a", "b").Holds(both)));
        Assert.Equal((true, true), (AfterAnyFinish("a", "b").Holds(one), AfterAllFinish("a", "b").Holds(both)));
    }

    [Theory]
    [Trait("row", "29")]
    [InlineData("started", "Completed Failed Cancelled timeout Skipped Lost Retried")]
    [InlineData("succeeded", "Completed")]
    [InlineData("failed", "Failed timeout")]
    [InlineData("finished", "Completed Failed Cancelled timeout")]
    [InlineData("terminated", "Cancelled timeout")]
    [InlineData("inacted", "Skipped")]
    public void Has_counts_the_ends_of_its_kind_in_its_period(string action, string counted)
    {
        foreach (string period in new[] { "this minute", "this hour", "today", "this week", "this month", "past 90 s", "" })
        {
            Condition condition = Condition.Parse($"task 'load' has {action} {period}");
            foreach (RunState state in Ends)
            {
                foreach (string? reason in state == RunState.Cancelled ? new[] { null, "timeout" } : [null])
                {
                    bool counts = counted.Split(' ').Contains(reason ?? state.ToString());
                    Func<string, TaskHistory> task = Only("load", Run("x", 1, state, 0, 0, reason));
                    Assert.Equal(counts, condition.Holds(Context() with { Tasks = task }));
                    ConditionContext later = Context() with { Tasks = task, Now = Now + TimeSpan.FromDays(40) };
                    Assert.Equal(counts && period.Length == 0, condition.Holds(later));
                }
            }
        }
    }

    [Theory]
    [Trait("row", "29")]
    [InlineData("== 2", false, true, false)]
    [InlineData("!= 2", true, false, true)]
    [InlineData("< 2", true, false, false)]
    [InlineData("<= 2", true, true, false)]
    [InlineData("> 2", false, false, true)]
    [InlineData(">= 2", false, true, true)]
    public void A_count_is_compared(string comparison, bool one, bool two, bool three)
    {
        Condition has = Condition.Parse($"has succeeded past 1 hour {comparison}"), running = Condition.Parse($"is running {comparison}");
        foreach ((int count, bool expected) in new[] { (1, one), (2, two), (3, three) })
        {
            Assert.Equal(expected, has.Holds(Context([.. Enumerable.Range(0, count).Select(n => Run($"{n}", 1, RunState.Completed, 30, 10))])));
            Assert.Equal(expected, running.Holds(Context([.. Enumerable.Range(0, count).Select(n => Run($"{n}", 1, RunState.Running, 30 + n))])));
        }
    }

    [Fact]
    [Trait("row", "30")]
    public void Running_knows_how_many_runs_are_at_work_and_for_how_long()
    {
        TaskRun[] runs = [Run("a", 1, RunState.Running, 30), Run("b", 1, RunState.Running, 10), Run("c", 1, RunState.Completed, 20, 15), Run("d", 1, RunState.Lost, 20, 15)];
        ConditionContext context = Context() with { Tasks = Only("load", runs) };
        TimeSpan Minutes(int n) => TimeSpan.FromMinutes(n);
        Assert.True((Running("load") == 2).Holds(context));
        Assert.False(Running().Holds(context));
        Assert.True((Running("load").MoreThan(Minutes(20)) == 1).Holds(context));
        Assert.True((Running("load").MoreThan(Minutes(30)) == 1).Holds(context));
        Assert.True((Running("load").LessThan(Minutes(30)) == 1).Holds(context));
        Assert.True((Running("load").LessThan(Minutes(10)) == 0).Holds(context));
        Assert.True((Running("load").Between(Minutes(10), Minutes(30)) == 1).Holds(context));
        Assert.Equal(Now + Minutes(10), (Running("load").MoreThan(Minutes(20)) == 2).NextChange(context));
        Assert.Equal(Now + Minutes(20), Running("load").Between(Minutes(10), Minutes(30)).NextChange(context));
        Assert.Null(Running("load").NextChange(context));
        Assert.Throws<ArgumentOutOfRangeException>(() => Running("load").Between(Minutes(10), TimeSpan.MaxValue));
    }

    [Fact]
    [Trait("row", "31")]
    [Trait("row", "32")]
    public void A_failing_task_is_retried_so_often_a_day_and_never_outside_its_window()
    {
        Condition condition = (Daily | Retry(3)) & TimeOfDay.Between("10:00", "12:00");
        Assert.Equal(
            ["03 10:00 #1", "03 10:25 #2", "03 10:50 #3", "03 11:15 #4", "04 10:00 #1", "04 10:25 #2", "04 10:50 #3", "04 11:15 #4"],
            Simulate(condition, TimeSpan.FromMinutes(25), RunState.Failed, 2));
        Assert.Equal(
            ["03 10:00 #1", "03 10:50 #2", "03 11:40 #3", "04 10:30 #1", "04 11:20 #2"], // the attempt that ends outside of the window is not followed by another on that day
            Simulate(condition & !Running(), TimeSpan.FromMinutes(50), RunState.Failed, 2, "04 10:30"));
        Assert.Equal(["03 10:00 #1", "04 10:00 #1"], Simulate(condition, TimeSpan.FromMinutes(25), RunState.Completed, 2));
    }

    [Fact]
    [Trait("row", "31")]
    public void A_delay_grows_with_each_attempt()
    {
        Condition condition = Daily | Retry(3, TimeSpan.FromMinutes(10), 2);
        Assert.Equal(["03 10:00 #1", "03 10:15 #2", "03 10:40 #3", "03 11:25 #4"], Simulate(condition, TimeSpan.FromMinutes(5), RunState.Failed, 1));
    }

    [Theory]
    [InlineData("daily | retry 2", 1, 0)]
    [InlineData("daily | retry 2", 3, null)]
    [InlineData("daily", 1, null)]
    [InlineData("daily | retry 2 after 30 minutes times 2", 2, 60)]
    [InlineData("(daily | retry 2 after 30 minutes) & time of day before 10:30", 1, null)]
    [InlineData("(daily | retry 2 after 30 minutes) & time of day before 10:31", 1, 30)]
    [InlineData("daily | retry 1 after 5 minutes | retry after 1 hour", 2, 60)]
    [InlineData("hourly | retry 2 after 1 hour", 1, null)] // by then it is the turn of the next hour
    public void Whether_a_failure_is_retried_is_known_at_once(string text, int attempt, int? minutes)
    {
        TaskRun[] attempts = [.. Enumerable.Range(1, attempt).Select(n => Run("a", n, n < attempt ? RunState.Retried : RunState.Failed, 10 - n, n < attempt ? 9 - n : 0))];
        Assert.Equal(minutes is { } after ? Now + TimeSpan.FromMinutes(after) : null, Condition.Parse(text).RetryAt(Context(attempts)));
    }

    [Fact]
    [Trait("row", "31")]
    public void What_was_called_is_tried_again_by_its_queue_and_by_no_condition()
    {
        TaskRun failed = Run("a", 1, RunState.Failed, 10, 5);
        Assert.True(Retry(1).Holds(Context(failed)));
        Assert.False(Retry(1).Holds(Context(failed with { Submitted = Ago(11), Queue = "default" })));
    }

    [Fact]
    [Trait("row", "52")]
    [Trait("row", "31")]
    public void A_lost_run_is_started_again_once_as_an_attempt_of_the_same_run_unless_its_task_is_to_wait()
    {
        Assert.Equal(["03 10:00 #1", "03 10:25 #2"], Simulate(Daily, TimeSpan.FromMinutes(25), RunState.Lost, 1));
        Assert.Equal(["03 10:00 #1", "03 10:25 #2"], Simulate(Cron("0 10 * * *"), TimeSpan.FromMinutes(25), RunState.Lost, 1));
        Assert.Equal(["03 10:00 #1", "03 10:25 #2"], Simulate(Every("1 day"), TimeSpan.FromMinutes(25), RunState.Lost, 1));
        Assert.Equal(["03 10:00 #1"], Simulate(Daily, TimeSpan.FromMinutes(25), RunState.Lost, 1, crash: CrashPolicy.Wait));
        Assert.Equal(["03 10:00 #1", "03 10:25 #2", "03 10:50 #3"], Simulate(Daily | Retry(2), TimeSpan.FromMinutes(25), RunState.Lost, 1, retryLost: true));
    }

    [Fact]
    public void What_is_forgotten_of_a_history_is_nothing_that_a_start_depends_on()
    {
        TaskRun[] runs = [.. Enumerable.Range(0, 500).Select(n => Run($"{n}", 1, Ends[n % Ends.Length], 10_000 - (n * 10), 9_995 - (n * 10)))];
        TaskHistory all = TaskHistory.Of(runs), kept = all.Since(Ago(0));
        foreach (Condition condition in new[] { Daily, Every("1 day", Based.Success), Every("3 days", Based.Failure), Retry(2), Succeeded, Cron("* * * * *"), Monthly })
        {
            Assert.Equal(condition.NextChange(Context() with { Own = all }), condition.NextChange(Context() with { Own = kept }));
            Assert.Equal(condition.Holds(Context() with { Own = all }), condition.Holds(Context() with { Own = kept }));
        }
        Assert.InRange(kept.Runs.Length, 1, 7);
        Assert.Same(kept, kept.Since(Ago(0)));
    }

    /// <summary>Starts a task whenever its condition holds and it does not run; each run takes so long and ends so.</summary>
    static List<string> Simulate(
        Condition condition, TimeSpan takes, RunState end, int days, string? byHand = null, CrashPolicy crash = CrashPolicy.RunAgain, bool retryLost = false)
    {
        var starts = new List<string>();
        Instant from = Instant.From(new DateTimeOffset(2025, 6, 3, 10, 0, 0, TimeSpan.Zero));
        var context = new ConditionContext { Now = from, Crash = crash, RetryLost = retryLost };
        (int id, int attempt) = (0, 0);
        while (context.Now < from + TimeSpan.FromDays(days) - TimeSpan.FromHours(10))
        {
            string now = context.Now.ToDateTimeOffset().ToString("dd HH:mm");
            if (condition.Holds(context) && (byHand is null || now[..2] == "03" || string.CompareOrdinal(now, byHand) >= 0))
            {
                (id, attempt) = condition.StartsAnew(context) ? (id + 1, 1) : (id, attempt + 1);
                starts.Add($"{now} #{attempt}");
                Instant ended = context.Now + takes;
                context = context with { Own = context.Own.With(Made($"{id}", attempt, end, context.Now, ended)), Now = ended };
            }
            else
            {
                context = context with { Now = context.Now + TimeSpan.FromMinutes(5) };
            }
        }
        return starts;
    }

    static ConditionContext Context(params TaskRun[] runs) => new() { Now = Now, Own = TaskHistory.Of(runs) };

    static Func<string, TaskHistory> Only(string task, params TaskRun[] runs) => name => name == task ? TaskHistory.Of(runs) : TaskHistory.None;

    static Instant Ago(int minutes) => Now - TimeSpan.FromMinutes(minutes);

    static TaskRun Run(string id, int attempt, RunState state, int started, int? ended = null, string? reason = null) =>
        Made(id, attempt, state, Ago(started), ended is { } end ? Ago(end) : null, reason);

    static TaskRun Made(string id, int attempt, RunState state, Instant start, Instant? end, string? reason = null) => new()
    {
        Source = "local", Id = id, Attempt = attempt, State = state, At = start, First = start, Updated = end ?? start, Started = start, Finished = end, Reason = reason,
    };
}
