using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Belfry;

/// <summary>Reads the options of a process from its configuration. What it does not know is told, never ignored.</summary>
static class OptionsReader
{
    static readonly Dictionary<string, Action<BelfryOptions, string>> Readers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Execution"] = (options, text) => OptionTexts.Execution(text, options.Defaults),
        ["Timeout"] = (options, text) => options.Defaults.Timeout = OptionTexts.Timeout(text),
        ["Priority"] = (options, text) => options.Defaults.Priority = Number(text, int.MinValue),
        ["Overlap"] = (options, text) => options.Defaults.Overlap = OptionTexts.OneOf<OverlapPolicy>(text),
        ["Misfire"] = (options, text) => options.Defaults.Misfire = DurationReader.Read(text),
        ["CatchUp"] = (options, text) => options.Defaults.CatchUp = YesOrNo(text),
        ["Crash"] = (options, text) => options.Defaults.Crash = OptionTexts.OneOf<CrashPolicy>(text),
        ["RetryLost"] = (options, text) => options.Defaults.RetryLost = YesOrNo(text),
        ["Jitter"] = (options, text) => options.Defaults.Jitter = DurationReader.Read(text),
        ["TimeZone"] = (options, text) => options.TimeZone = Zone(text),
        ["MaxProcesses"] = (options, text) => options.MaxProcesses = Number(text, 1),
        ["CallsAtOnce"] = (options, text) => options.CallsAtOnce = Number(text, 1),
        ["SilenceConditionErrors"] = (options, text) => options.SilenceConditionErrors = YesOrNo(text),
        ["SilencePrerunErrors"] = (options, text) => options.SilencePrerunErrors = YesOrNo(text),
        ["SilenceLoggingErrors"] = (options, text) => options.SilenceLoggingErrors = YesOrNo(text),
        ["ShutDownWhen"] = (options, text) => options.ShutDownWhen = Condition.Parse(text),
        ["Shutdown"] = (options, text) => options.Shutdown = OptionTexts.OneOf<ShutdownPolicy>(text),
        ["AfterFinishAnyEnd"] = (options, text) => options.AfterFinishAnyEnd = YesOrNo(text),
        ["DuplicateNames"] = (options, text) => options.DuplicateNames = OptionTexts.OneOf<DuplicateNames>(text),
        ["LogRetries"] = (options, text) => options.LogRetries = Number(text, 0),
        ["LogRetryDelay"] = (options, text) => options.LogRetryDelay = DurationReader.Read(text),
        ["ReportedFailures"] = (options, text) => options.ReportedFailures = OptionTexts.OneOf<ReportedFailures>(text),
        ["Source"] = (options, text) => options.Source = text,
        ["ProcessName"] = (options, text) => options.ProcessName = text,
    };

    /// <summary>The keys that are known, besides <c>Parameters:NAME</c> and <c>QueueLimits:NAME</c>.</summary>
    public static IEnumerable<string> Keys => Readers.Keys;

    /// <summary>Reads a section into options, and tells what is wrong in it, each with its key.</summary>
    public static IReadOnlyList<string> Read(IConfiguration section, BelfryOptions options)
    {
        var problems = new List<string>();
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (child.Key.Equals("Parameters", StringComparison.OrdinalIgnoreCase))
            {
                foreach (IConfigurationSection parameter in child.GetChildren())
                {
                    options.Parameters[parameter.Key] = parameter.Value;
                }
            }
            else if (child.Key.Equals("QueueLimits", StringComparison.OrdinalIgnoreCase))
            {
                problems.AddRange(child.GetChildren().Select(queue => (queue, Problem((all, text) => all.QueueLimits[queue.Key] = Number(text, 0), options, queue.Value)))
                    .Where(read => read.Item2 is not null).Select(read => $"{read.queue.Path}: {read.Item2}"));
            }
            else if (!Readers.TryGetValue(child.Key, out Action<BelfryOptions, string>? read))
            {
                problems.Add($"{child.Path} is no setting of Belfry's; known are {string.Join(", ", Keys.Append("Parameters").Append("QueueLimits"))}");
            }
            else if (Problem(read, options, child.Value) is { } problem)
            {
                problems.Add($"{child.Path}: {problem}");
            }
        }
        return problems;
    }

    static string? Problem(Action<BelfryOptions, string> read, BelfryOptions options, string? text)
    {
        try
        {
            read(options, text ?? "");
            return null;
        }
        catch (FormatException wrong)
        {
            return wrong.Message;
        }
    }

    static bool YesOrNo(string text) => bool.TryParse(text, out bool value) ? value : throw new FormatException($"'{text}' is neither true nor false");

    static int Number(string text, int least) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least
        ? value
        : throw new FormatException($"'{text}' is no number" + (least > int.MinValue ? $" from {least}" : ""));

    static TimeZoneInfo Zone(string text) => TimeZoneInfo.TryFindSystemTimeZoneById(text, out TimeZoneInfo? zone)
        ? zone
        : throw new FormatException($"'{text}' is no time zone of this machine: use a name like Europe/Berlin, or UTC");
}
