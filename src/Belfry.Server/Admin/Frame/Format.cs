using System.Globalization;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>How figures are written on the pages. All pure.</summary>
static class Format
{
    /// <summary>What stands where there is nothing.</summary>
    public const string Nothing = "–";

    /// <summary>A duration in three digits: <c>48 ms</c>, <c>1.24 s</c>, <c>38.1 s</c>, <c>4 min 12 s</c>, <c>2 h 05 min</c>, <c>3 d 04 h</c>.</summary>
    public static string Runtime(double? seconds)
    {
        if (seconds is not { } s || !double.IsFinite(s))
        {
            return Nothing;
        }
        s = Math.Max(0, s);
        long whole = (long)Math.Min(Math.Round(s), 1e15);
        return s switch
        {
            0 => "0 ms",
            < 0.0005 => "< 1 ms",
            < 0.9995 => Text($"{s * 1000:0} ms"),
            < 9.995 => Text($"{s:0.00} s"),
            < 59.95 => Text($"{s:0.0} s"),
            _ when whole < 3600 => Text($"{whole / 60} min {whole % 60:00} s"),
            _ when whole < 86_400 => Text($"{whole / 3600} h {whole % 3600 / 60:00} min"),
            _ => Text($"{Count(whole / 86_400)} d {whole % 86_400 / 3600:00} h"),
        };
    }

    /// <summary>A count: <c>128,402</c>.</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A count that stopped at its limit: <c>10,000+</c>.</summary>
    public static string Count(RunCount count) => Count(count.Runs) + (count.More ? "+" : "");

    /// <summary>A share: <c>31.2 %</c>, <c>&lt; 0.1 %</c>, never rounded to all or nothing.</summary>
    public static string Percent(double part, double whole)
    {
        if (!(whole > 0) || !double.IsFinite(part))
        {
            return Nothing;
        }
        double percent = 100 * part / whole;
        return percent switch
        {
            <= 0 => "0 %",
            < 0.1 => "< 0.1 %",
            >= 100 => "100 %",
            > 99.9 => "> 99.9 %",
            _ => Text($"{percent:0.0} %"),
        };
    }

    /// <summary>Bytes in three digits: <c>731 MB</c>.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 999.5; unit++)
        {
            value /= 1000;
        }
        return unit == 0 || value >= 99.95 ? Text($"{value:0} {units[unit]}") : value >= 9.995 ? Text($"{value:0.0} {units[unit]}") : Text($"{value:0.00} {units[unit]}");
    }

    /// <summary>A task's name in two: what may be cut, and the last part, which never is.</summary>
    public static (string Prefix, string Last) TaskName(string? name)
    {
        int dot = (name ?? "").TrimEnd('.').LastIndexOf('.');
        return name is null ? ("", Nothing) : (name[..(dot + 1)], name[(dot + 1)..]);
    }

    /// <summary>The last two parts of a task's name: <c>ingestor.run</c>.</summary>
    public static string ShortTask(string? name)
    {
        (string prefix, string last) = TaskName(name);
        string module = prefix.TrimEnd('.');
        return module.Length == 0 ? last : module[(module.LastIndexOf('.') + 1)..] + "." + last;
    }

    /// <summary>The name of a worker without Celery's own: <c>celery@ingest-1</c> is <c>ingest-1</c>.</summary>
    public static string Worker(string? name) =>
        name is null ? Nothing : name.StartsWith("celery@", StringComparison.Ordinal) && name.Length > 7 ? name[7..] : name;

    /// <summary>The beginning of an id.</summary>
    public static string ShortId(string id) => id.Length > 12 ? id[..8] : id;

    /// <summary>Cuts a text for a table's cell, and puts it on one line.</summary>
    public static string OneLine(string text, int limit = 200)
    {
        string line = string.Join(' ', text.AsSpan(0, Math.Min(text.Length, limit * 2)).ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return Excerpt.Of(line, limit);
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
