namespace Belfry.Server.Admin;

/// <summary>How the pages name themselves and tell the time.</summary>
public sealed class AdminSettings
{
    /// <summary>The name of this installation, beside the mark; empty by default.</summary>
    public string Site { get; internal set; } = "";

    /// <summary>Events are captured; the pages say when they are not.</summary>
    public bool Captures { get; internal set; } = true;

    /// <summary>The zone in which the pages show instants, e.g. <c>Europe/Berlin</c>; the machine's own by default.</summary>
    public string TimeZone { get; set; } = "";

    /// <summary>What is wrong with these values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems()
    {
        if (!TryZone(out _))
        {
            yield return ($"Admin:TimeZone", $"'{TimeZone}' is no time zone this machine knows; use a name such as Europe/Berlin or UTC");
        }
    }

    internal TimeZoneInfo Zone => TryZone(out TimeZoneInfo zone) ? zone : TimeZoneInfo.Local;

    bool TryZone(out TimeZoneInfo zone)
    {
        zone = TimeZoneInfo.Local;
        return TimeZone.Length == 0 || (TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out TimeZoneInfo? found) && (zone = found) is not null);
    }
}
