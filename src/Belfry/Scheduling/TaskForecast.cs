using System.Text.Json;

namespace Belfry;

/// <summary>Why a task starts or does not, and when it will, asked by whoever has the book and the log, in whatever process the task is.</summary>
public sealed class TaskForecast
{
    readonly Condition _start;
    readonly ConditionContext _context;

    TaskForecast(BookedTask task, Condition start, ConditionContext context) => (Task, _start, _context) = (task, start, context);

    /// <summary>The task.</summary>
    public BookedTask Task { get; }

    /// <summary>Functions in its condition that only its own process knows; they count as false here.</summary>
    public IReadOnlyList<string> Unknown => [.. _start.Leaves.OfType<WhenCondition>().Select(when => when.Name).Distinct()];

    /// <summary>Somebody has switched it off, or it is registered so.</summary>
    public bool IsDisabled => Task.IsDisabled ?? Options(Task).Disabled;

    /// <summary>What has to be known of past runs: tasks, each with how far back.</summary>
    /// <exception cref="ConditionException">The condition in the book is of another version of Belfry.</exception>
    public static IReadOnlyDictionary<string, Instant> Wanted(BookedTask task, Instant now) =>
        Histories.WantedBy(new TaskDefinition { Name = task.Name, Start = Condition.Parse(task.Start), Handler = (_, _) => System.Threading.Tasks.Task.FromResult<object?>(null) }, now);

    /// <summary>A forecast from what is known.</summary>
    /// <param name="task">The task.</param>
    /// <param name="histories">What was wanted.</param>
    /// <param name="now">The instant.</param>
    public static TaskForecast Of(BookedTask task, IReadOnlyDictionary<string, TaskHistory> histories, Instant now)
    {
        BookedOptions options = Options(task);
        var context = new ConditionContext
        {
            Now = now,
            Zone = TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone ?? "", out TimeZoneInfo? zone) ? zone : TimeZoneInfo.Utc,
            Own = histories.GetValueOrDefault(task.Name, TaskHistory.None),
            Tasks = name => histories.GetValueOrDefault(name, TaskHistory.None),
            Registered = task.Registered,
            Misfire = options.Misfire,
            CatchUp = options.CatchUp,
            Crash = options.Crash == nameof(CrashPolicy.Wait) ? CrashPolicy.Wait : CrashPolicy.RunAgain,
            RetryLost = options.RetryLost,
            AfterFinishAnyEnd = options.AfterFinishAnyEnd,
            Ask = _ => false,
        };
        return new TaskForecast(task, Condition.Parse(task.Start), context);
    }

    /// <summary>Its condition as a tree.</summary>
    public Explanation Why() => _start.Explain(_context);

    /// <summary>Its next starts, if each run ends well at once and no other task runs.</summary>
    public IReadOnlyList<Instant> Next(int count) => [.. _start.Starts(_context).Take(count)];

    static BookedOptions Options(BookedTask task) => JsonSerializer.Deserialize<BookedOptions>(task.Options, JsonSerializerOptions.Web) ?? new BookedOptions();

    sealed record BookedOptions
    {
        public TimeSpan Misfire { get; init; } = TimeSpan.FromMinutes(1);

        public bool CatchUp { get; init; } = true;

        public string? Crash { get; init; }

        public bool RetryLost { get; init; }

        public bool AfterFinishAnyEnd { get; init; } = true;

        public bool Disabled { get; init; }

        public string? TimeZone { get; init; }
    }
}
