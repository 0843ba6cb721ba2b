using System.Globalization;

namespace Belfry.Celery.Reconciling;

/// <summary>Since when a Redis is the one that it is. When it was started again, or another took its place, its workers had to connect anew, and what they held they have forgotten.</summary>
sealed class BrokerLife
{
    string? _run;
    Instant _seen;
    Instant? _since;

    /// <summary>Reads what it says of itself.</summary>
    /// <param name="info">The answer to <c>INFO server</c>; null where it was refused.</param>
    /// <param name="now">Now.</param>
    /// <returns>The earliest instant at which it can have begun; null where it does not tell.</returns>
    public Instant? Read(string? info, Instant now)
    {
        if (info is null || Line("run_id", info) is not { } run || !long.TryParse(Line("uptime_in_seconds", info), CultureInfo.InvariantCulture, out long uptime))
        {
            return _since;
        }
        // It counts whole seconds, and began to a second before them. One that took over may be old: then it was when we last saw the other.
        Instant began = now - TimeSpan.FromSeconds(uptime + 1);
        _since = _run is null || string.Equals(_run, run, StringComparison.Ordinal) ? _since ?? began : Instant.Max(began, _seen);
        (_run, _seen) = (run, now);
        return _since;
    }

    /// <summary><c>name:value</c></summary>
    static string? Line(string name, string info) =>
        info.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':').Select(line => line[(name.Length + 1)..].TrimEnd()).FirstOrDefault();
}
