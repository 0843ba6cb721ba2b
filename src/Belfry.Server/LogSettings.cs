using Belfry.Storage;

namespace Belfry.Server;

/// <summary>What the log takes in.</summary>
public sealed class LogSettings
{
    /// <summary>Events are captured; true by default. False: no source is read and nothing is stored, the log can only be looked at.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Texts of ended runs are indexed in the background, so that free text is found at once in a large log; off by default, and what is there is dropped.</summary>
    public bool FullTextIndex { get; set; }
}

/// <summary>How long the log keeps ended runs.</summary>
public sealed class RetentionSettings
{
    /// <summary>How long runs stay that did not fail, 30 days by default; for ever when empty.</summary>
    public TimeSpan? Age { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long failed, lost, retried and timed-out runs stay, 90 days by default; for ever when empty.</summary>
    public TimeSpan? FailureAge { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How many runs of a task in a source stay, the newest ones; any number by default.</summary>
    public int? Count { get; set; }

    /// <summary>What is wrong with these values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. Age <= TimeSpan.Zero ? [("Retention:Age", "must be longer than nothing, e.g. 30d; empty keeps runs for ever")] : Array.Empty<(string, string)>(),
        .. FailureAge <= TimeSpan.Zero ? [("Retention:FailureAge", "must be longer than nothing, e.g. 90d; empty keeps failures for ever")] : Array.Empty<(string, string)>(),
        .. Count < 1 ? [("Retention:Count", "must be 1 or more; empty keeps any number")] : Array.Empty<(string, string)>(),
    ];

    internal RetentionPolicy ToPolicy() => new() { Age = Age, FailureAge = FailureAge, Count = Count };
}

/// <summary>The setting <c>Apps</c>: under which name applications are shown, each with the names that tasks have for it.</summary>
static class AppMapping
{
    /// <summary>What is wrong, each with its key.</summary>
    public static IEnumerable<(string Key, string Problem)> Problems(Dictionary<string, List<string>> apps)
    {
        var owners = new Dictionary<string, string>();
        foreach ((string shown, List<string> names) in apps)
        {
            if (names.Count == 0 || names.Exists(string.IsNullOrWhiteSpace))
            {
                yield return ($"Apps:{shown}", "needs the names that stand in tasks, e.g. [\"standings_requests\"]");
            }
            foreach (string name in names.Where(name => !owners.TryAdd(name, shown)))
            {
                yield return ($"Apps:{shown}", $"{name} is shown as {owners[name]} already");
            }
        }
    }

    /// <summary>The shown name by the name that stands in tasks.</summary>
    public static Dictionary<string, string> ByName(Dictionary<string, List<string>> apps) =>
        apps.SelectMany(app => app.Value.Select(name => (name, app.Key))).ToDictionary(pair => pair.name, pair => pair.Key);
}
