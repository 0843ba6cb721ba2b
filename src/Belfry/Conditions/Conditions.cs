namespace Belfry;

/// <summary>
/// The vocabulary of conditions, for <c>using static Belfry.Conditions;</c>: <c>(Daily | Retry(3)) &amp; TimeOfDay.Between("10:00", "12:00")</c>.
/// </summary>
public static class Conditions
{
    static readonly TimeSpan DefaultRecheck = TimeSpan.FromSeconds(1);

    /// <summary>Always.</summary>
    public static Condition Always { get; } = new Constant(true);

    /// <summary>Never: the task starts by hand alone.</summary>
    public static Condition Never { get; } = new Constant(false);

    /// <summary>Once in every second.</summary>
    public static PeriodCondition Secondly { get; } = Once(Period.Second);

    /// <summary>Once in every minute.</summary>
    public static PeriodCondition Minutely { get; } = Once(Period.Minute);

    /// <summary>Once in every hour.</summary>
    public static PeriodCondition Hourly { get; } = Once(Period.Hour);

    /// <summary>Once in every day.</summary>
    public static PeriodCondition Daily { get; } = Once(Period.Day);

    /// <summary>Once in every week, from Monday.</summary>
    public static PeriodCondition Weekly { get; } = Once(Period.Week);

    /// <summary>Once in every month.</summary>
    public static PeriodCondition Monthly { get; } = Once(Period.Month);

    /// <summary>Seconds of a minute: <c>"45"</c>, <c>"45.5"</c>.</summary>
    public static TimeOf TimeOfMinute { get; } = new(Period.Minute);

    /// <summary>Minutes and seconds of an hour: <c>"15:00"</c>.</summary>
    public static TimeOf TimeOfHour { get; } = new(Period.Hour);

    /// <summary>Clock times: <c>"10:00"</c>, <c>"10:00:30"</c>, as an end <c>"24:00"</c>.</summary>
    public static TimeOf TimeOfDay { get; } = new(Period.Day);

    /// <summary>Days of the week: <c>"Mon"</c>, <c>"Friday"</c>, <c>"Fri 10:00"</c>.</summary>
    public static TimeOf TimeOfWeek { get; } = new(Period.Week);

    /// <summary>Days of the month: <c>"1st"</c>, <c>"31st"</c>, <c>"5th 10:00"</c>.</summary>
    public static TimeOf TimeOfMonth { get; } = new(Period.Month);

    /// <summary>It started.</summary>
    public static HasCondition Started { get; } = new(RunAction.Started);

    /// <summary>It failed; a timeout is a failure.</summary>
    public static HasCondition Failed { get; } = new(RunAction.Failed);

    /// <summary>It succeeded.</summary>
    public static HasCondition Succeeded { get; } = new(RunAction.Succeeded);

    /// <summary>It succeeded, failed or was terminated.</summary>
    public static HasCondition Finished { get; } = new(RunAction.Finished);

    /// <summary>It was terminated; a timeout is a termination.</summary>
    public static HasCondition Terminated { get; } = new(RunAction.Terminated);

    /// <summary>It decided that there was nothing to do.</summary>
    public static HasCondition Skipped { get; } = new(RunAction.Skipped);

    /// <summary>So long after the last start, the default, or after the last end of a kind; at once if it never started.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
    public static Condition Every(TimeSpan span, Based based = Based.Run) => new EveryCondition(Durations.Checked(span, nameof(span)), based);

    /// <summary>The same with a text: <c>Every("10 minutes")</c>.</summary>
    /// <exception cref="ConditionException">It is no duration.</exception>
    public static Condition Every(string span, Based based = Based.Run) => Every(DurationReader.Read(span), based);

    /// <summary>In a matching minute in which it has not started: five fields, six with seconds first, or <c>@daily</c> …</summary>
    /// <exception cref="ConditionException">It is no cron expression, or can never match.</exception>
    public static Condition Cron(string expression) => new CronCondition(CronExpression.Parse(expression), false);

    /// <summary>In a matching minute, whatever ran.</summary>
    /// <exception cref="ConditionException">It is no cron expression, or can never match.</exception>
    public static Condition CronTime(string expression) => new CronCondition(CronExpression.Parse(expression), true);

    /// <summary>The other succeeded later than this one last started.</summary>
    public static Condition AfterSuccess(string task) => new AfterCondition(task, RunAction.Succeeded);

    /// <summary>The other failed later than this one last started.</summary>
    public static Condition AfterFail(string task) => new AfterCondition(task, RunAction.Failed);

    /// <summary>The other ended, well or not, later than this one last started.</summary>
    public static Condition AfterFinish(string task) => new AfterCondition(task, RunAction.Finished);

    /// <summary>The other was terminated later than this one last started.</summary>
    public static Condition AfterTerminate(string task) => new AfterCondition(task, RunAction.Terminated);

    /// <summary>All of them succeeded later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAllSuccess(params string[] tasks) => Junction.Of(true, Some(tasks).Select(AfterSuccess));

    /// <summary>All of them failed later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAllFail(params string[] tasks) => Junction.Of(true, Some(tasks).Select(AfterFail));

    /// <summary>All of them ended, well or not, later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAllFinish(params string[] tasks) => Junction.Of(true, Some(tasks).Select(AfterFinish));

    /// <summary>One of them succeeded later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAnySuccess(params string[] tasks) => Junction.Of(false, Some(tasks).Select(AfterSuccess));

    /// <summary>One of them failed later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAnyFail(params string[] tasks) => Junction.Of(false, Some(tasks).Select(AfterFail));

    /// <summary>One of them ended, well or not, later than this one last started.</summary>
    /// <exception cref="ArgumentException">None is named.</exception>
    public static Condition AfterAnyFinish(params string[] tasks) => Junction.Of(false, Some(tasks).Select(AfterFinish));

    /// <summary>Runs of a task are at work; of the one whose condition it is where none is named.</summary>
    public static RunningCondition Running(string? task = null) => new(task);

    /// <summary>The last run failed or timed out, and fewer retries than <paramref name="limit"/> followed.</summary>
    /// <param name="limit">So many retries at most; null for no limit.</param>
    /// <param name="delay">How long after the end of the attempt; at once for null.</param>
    /// <param name="backoff">By what the delay is multiplied with each attempt, from 0.001 to 1000. Default: 1, it stays the same.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit or the delay is not above zero, or the delay cannot grow so, or there is none to grow.</exception>
    public static Condition Retry(int? limit = null, TimeSpan? delay = null, double backoff = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit ?? 1, nameof(limit));
        bool grows = backoff >= (double)RetryCondition.LeastGrowth && backoff <= (double)RetryCondition.GreatestGrowth && (delay is not null || backoff.Equals(1.0));
        return grows
            ? new RetryCondition(limit, delay is { } after ? Durations.Checked(after, nameof(delay)) : TimeSpan.Zero, (decimal)backoff)
            : throw new ArgumentOutOfRangeException(nameof(backoff), backoff, "it must be from 0.001 to 1000, and there must be a delay to grow");
    }

    /// <summary>A function of your own, known in texts by its name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="test">Answers a bool; its parameters are filled in as those of a handler are.</param>
    /// <param name="recheck">How long an answer stands. Default: 1 s.</param>
    /// <exception cref="ArgumentException">The function answers no bool, or the name is empty or that of a condition.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An answer stands for no time, or for longer than a million days.</exception>
    public static WhenCondition When(string name, Delegate test, TimeSpan? recheck = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return test.Method.ReturnType != typeof(bool) ? throw new ArgumentException($"the function of '{name}' must answer a bool", nameof(test))
            : ConditionReader.Reads(name) ? throw new ArgumentException($"'{name}' is a condition already", nameof(name))
            : new WhenCondition(name, test, Durations.Checked(recheck ?? DefaultRecheck, nameof(recheck)));
    }

    /// <summary>The host runs in the environment of that name.</summary>
    public static Condition Env(string name) => new EnvironmentCondition(name);

    /// <summary>There is a parameter of that name.</summary>
    public static Condition ParamExists(string name) => new ParameterCondition(name, null);

    /// <summary>The parameter has that value.</summary>
    public static Condition ParamIs(string name, string value) => new ParameterCondition(name, value);

    /// <summary>How long the scheduler has been at work.</summary>
    public static class SchedulerRunning
    {
        /// <summary>For so long at least: <c>scheduler has run over 1 hour</c>.</summary>
        /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
        public static Condition MoreThan(TimeSpan age) => new SchedulerCondition(Durations.Checked(age, nameof(age)), true);

        /// <summary>Not yet for so long: <c>scheduler started 1 hour ago</c>, as Rocketry has it.</summary>
        /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than a million days.</exception>
        public static Condition LessThan(TimeSpan age) => new SchedulerCondition(Durations.Checked(age, nameof(age)), false);
    }

    internal static WhenCondition WhenNamed(string name) => new(name, null, DefaultRecheck);

    static PeriodCondition Once(Period period) => new(new Part(period, Cut.Whole));

    static string[] Some(string[] tasks) => tasks.Length > 0 ? tasks : throw new ArgumentException("name at least one task", nameof(tasks));
}
