using System.Text.Json;
using System.Text.Json.Serialization;

namespace Belfry;

/// <summary>Options of a process that runs tasks; fixed once its host starts.</summary>
public sealed class BelfryOptions
{
    /// <summary>The options that tasks begin with, before their own.</summary>
    public TaskOptions Defaults { get; } = new();

    /// <summary>The zone of conditions; that of the machine by default.</summary>
    public TimeZoneInfo TimeZone { get; set; } = TimeZoneInfo.Local;

    /// <summary>How many runs in processes of their own may be at work at a time; as many as there are processors by default.</summary>
    public int MaxProcesses { get; set; } = Environment.ProcessorCount;

    /// <summary>The command that starts this program again for a run in a process of its own; as it was started itself, by default.</summary>
    public IReadOnlyList<string>? ProcessCommand { get; set; }

    /// <summary>How many called runs this process executes at a time; 100 by default.</summary>
    public int CallsAtOnce { get; set; } = 100;

    /// <summary>Of these queues no more called runs at a time, by their names; none is limited by default. With 0 this process takes nothing from a queue.</summary>
    public Dictionary<string, int> QueueLimits { get; } = [];

    /// <summary>A condition that throws is logged and counts as false. On by default; off, the scheduler stops.</summary>
    public bool SilenceConditionErrors { get; set; } = true;

    /// <summary>A run that cannot be prepared is logged as Failed. On by default; off, the scheduler stops.</summary>
    public bool SilencePrerunErrors { get; set; } = true;

    /// <summary>The scheduler goes on while the log cannot be written, and says so. On by default; off, the scheduler stops.</summary>
    public bool SilenceLoggingErrors { get; set; } = true;

    /// <summary>How often a write into the log is tried again before it counts as failed; 3 times by default.</summary>
    public int LogRetries { get; set; } = 3;

    /// <summary>How long it waits before it tries again; 100 ms by default.</summary>
    public TimeSpan LogRetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The scheduler shuts down when this holds; never by default.</summary>
    public Condition? ShutDownWhen { get; set; }

    /// <summary>Whether a shutdown waits for runs at work; it does by default.</summary>
    public ShutdownPolicy Shutdown { get; set; } = ShutdownPolicy.Wait;

    /// <summary>A termination and a lost run release what waits for <c>after task … finished</c>, too. On by default.</summary>
    public bool AfterFinishAnyEnd { get; set; } = true;

    /// <summary>What happens when a name is registered twice; it is refused by default.</summary>
    public DuplicateNames DuplicateNames { get; set; } = DuplicateNames.Refuse;

    /// <summary>What becomes of a failure of a function that is reported by <see cref="StatusReporter"/>; its caller gets it by default.</summary>
    public ReportedFailures ReportedFailures { get; set; } = ReportedFailures.Throw;

    /// <summary>The source under which runs of this process stand in the log; <c>local</c> by default.</summary>
    public string Source { get; set; } = "local";

    /// <summary>The name of this process in the log, where workers stand; <c>APP-PID@MACHINE</c> by default.</summary>
    public string ProcessName { get; set; } = $"{AppDomain.CurrentDomain.FriendlyName}-{Environment.ProcessId}@{Environment.MachineName}";

    /// <summary>Values for parameters of all handlers, by their names; none by default.</summary>
    public Dictionary<string, object?> Parameters { get; } = [];

    /// <summary>How arguments are read and results written; as on the web by default, with enums by their names.</summary>
    public JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    /// <summary>What can never work in them.</summary>
    internal IEnumerable<string> Problems()
    {
        if (MaxProcesses < 1)
        {
            yield return "MaxProcesses must be 1 or more";
        }
        if (CallsAtOnce < 1 || QueueLimits.Values.Any(limit => limit < 0))
        {
            yield return "CallsAtOnce must be 1 or more, a limit of QueueLimits 0 or more";
        }
        if (LogRetries < 0 || LogRetryDelay < TimeSpan.Zero)
        {
            yield return "LogRetries and LogRetryDelay must not be below zero";
        }
        if (string.IsNullOrWhiteSpace(Source) || string.IsNullOrWhiteSpace(ProcessName))
        {
            yield return "Source and ProcessName must not be empty: runs are found by them";
        }
    }
}

/// <summary>Whether a shutdown waits for runs at work.</summary>
public enum ShutdownPolicy
{
    /// <summary>It waits until they end, time out or meet their end condition; permanent tasks are ended.</summary>
    Wait = 0,

    /// <summary>They are ended.</summary>
    End = 1,
}

/// <summary>What happens when a name is registered twice.</summary>
public enum DuplicateNames
{
    /// <summary>It is an error.</summary>
    Refuse = 0,

    /// <summary>The second becomes <c>name - 1</c>, the third <c>name - 2</c>.</summary>
    Rename = 1,

    /// <summary>The first stays, the second is passed over.</summary>
    Ignore = 2,

    /// <summary>The second takes the place of the first.</summary>
    Replace = 3,
}
