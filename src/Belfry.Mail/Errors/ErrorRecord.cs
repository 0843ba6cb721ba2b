using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Belfry.Mail;

/// <summary>A log record, as it is mailed.</summary>
sealed record ErrorRecord(DateTimeOffset Time, LogLevel Level, string Category, EventId Event, string Message, Exception? Exception)
{
    public Dictionary<string, object?> ToValues() => new()
    {
        ["time"] = Time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        ["level"] = Level.ToString(),
        ["category"] = Category,
        ["event"] = Event.Id == 0 ? Event.Name : Event.Name is null ? $"{Event.Id}" : $"{Event.Name} ({Event.Id})",
        ["message"] = Message,
        ["error"] = Told(Exception, exception => exception.Message),
        ["exception"] = Told(Exception, exception => exception.ToString()),
    };

    /// <summary>What an exception says of itself; there are some that cannot even do that.</summary>
    static string? Told(Exception? exception, Func<Exception, string> tell)
    {
        try
        {
            return exception is null ? null : tell(exception);
        }
        catch (Exception)
        {
            return $"{exception!.GetType()} (what it says cannot be read)\n{new StackTrace(exception, fNeedFileInfo: true)}";
        }
    }
}
