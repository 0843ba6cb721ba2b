namespace Belfry;

/// <summary>Reads options as people write them in attributes and configuration.</summary>
static class OptionTexts
{
    /// <summary>A duration as conditions have it, or <c>never</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TimeSpan Timeout(string text) => text.Trim().Equals("never", StringComparison.OrdinalIgnoreCase) ? System.Threading.Timeout.InfiniteTimeSpan : DurationReader.Read(text);

    /// <summary>Where tasks run; <c>main</c> and <c>thread</c> are Rocketry's words.</summary>
    /// <exception cref="FormatException">It is no such word.</exception>
    public static void Execution(string text, TaskOptions options) => (options.Execution, options.LongRunning) = text.Trim().ToLowerInvariant() switch
    {
        "async" => (Belfry.Execution.Async, false),
        "thread" => (Belfry.Execution.Async, true),
        "inline" or "main" => (Belfry.Execution.Inline, false),
        "process" => (Belfry.Execution.Process, false),
        _ => throw new FormatException($"'{text}' is no execution: use async, inline, process or thread"),
    };

    /// <summary>One of the names of an enumeration, in any case.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static T OneOf<T>(string text)
        where T : struct, Enum => Enum.TryParse(text, ignoreCase: true, out T value) && Enum.IsDefined(value)
        ? value
        : throw new FormatException($"'{text}' is none of {string.Join(", ", Enum.GetNames<T>())}");
}
