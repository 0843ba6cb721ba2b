using Belfry.Mail;

namespace Belfry.Server.Alerts;

/// <summary>Whom alerts reach. Its keys stand at the root of the settings.</summary>
public sealed class AlertSettings
{
    /// <summary>Addresses that are told when nobody else is; none by default. A list, or separated by commas.</summary>
    public List<string> Administrators { get; set; } = [];

    /// <summary>The monitor verbs' own.</summary>
    public MonitoringSettings Monitoring { get; set; } = new();

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. Problems("Administrators", Administrators), .. Problems("Monitoring:Recipients", Monitoring.Recipients),
        .. AlertTemplates.Problems(Monitoring.Templates).Select(problem => ("Monitoring:Templates", problem)),
    ];

    /// <summary>A mail can be sent to it.</summary>
    public static bool IsAddress(string text) => Mailbox.TryParse(text, out _);

    static IEnumerable<(string Key, string Problem)> Problems(string key, List<string> addresses) =>
        from numbered in addresses.Index()
        where !IsAddress(numbered.Item)
        select ($"{key}:{numbered.Index}", $"'{numbered.Item}' is no address");
}

/// <summary>The section <c>Monitoring</c> of the settings.</summary>
public sealed class MonitoringSettings
{
    /// <summary>Who gets the mails of <c>belfry monitor latest-run</c> when none is named; by default the administrators. A list, or separated by commas.</summary>
    public List<string> Recipients { get; set; } = [];

    /// <summary>
    /// A folder with mail templates of one's own; empty by default. A file in it that is named as the one that comes with Belfry
    /// (<c>task_status_alert.html</c>, <c>task_status_alert.txt</c>) takes its place.
    /// </summary>
    public string Templates { get; set; } = "";
}
