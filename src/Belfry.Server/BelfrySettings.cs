using System.Net;
using Belfry.Mail;
using Belfry.Server.Access;
using Belfry.Server.Admin;
using Belfry.Server.Alerts;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.Extensions.Configuration;

namespace Belfry.Server;

/// <summary>All settings of a server, composed of those of its rooms.</summary>
/// <remarks>
/// Read from <c>belfry.json</c>, then from variables <c>BELFRY__Section__Key</c>, then from options of the command; the later wins.
/// Any text can come from a file instead: <c>Mail:PasswordFile</c> names the file that holds <c>Mail:Password</c>.
/// </remarks>
public sealed class BelfrySettings
{
    /// <summary>The name of the file that is read when no other is named.</summary>
    public const string FileName = "belfry.json";

    /// <summary>The log, <c>sqlite://belfry.db</c> by default: relative to the working directory unless it has three slashes; or <c>postgresql://…</c>.</summary>
    public string Store { get; set; } = "sqlite://belfry.db";

    /// <summary>Where the server listens, <c>http://127.0.0.1:2355</c> by default; several are separated by semicolons.</summary>
    public string Urls { get; set; } = "http://127.0.0.1:2355";

    /// <summary>The name of this installation, shown in the bar and at the login; empty by default.</summary>
    public string Site { get; set; } = "";

    /// <summary>The Celery clusters that are read; none by default.</summary>
    public List<SourceSettings> Sources { get; set; } = [];

    /// <summary>How long a worker that went Offline may stay silent before its runs are Lost; 60 s by default.</summary>
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>From when on open runs are overdue.</summary>
    public OverdueSettings Overdue { get; set; } = new();

    /// <summary>What is kept of the arguments and results of tasks.</summary>
    public ArgumentSettings Arguments { get; set; } = new();

    /// <summary>What the log takes in.</summary>
    public LogSettings Log { get; set; } = new();

    /// <summary>How long the log keeps ended runs.</summary>
    public RetentionSettings Retention { get; set; } = new();

    /// <summary>How messages in queues are listed.</summary>
    public QueueSettings Queues { get; set; } = new();

    /// <summary>Under which name applications are shown, each with the names that tasks have for it; as they are by default.</summary>
    public Dictionary<string, List<string>> Apps { get; set; } = [];

    /// <summary>How mail leaves.</summary>
    public MailSettings Mail { get; set; } = new();

    /// <summary>Whom alerts reach. Its keys stand at the root: <c>Administrators</c> and <c>Monitoring</c>.</summary>
    public AlertSettings Alerts { get; } = new();

    /// <summary>How people and programs come in.</summary>
    public AccessSettings Access { get; set; } = new();

    /// <summary>How the pages tell the time.</summary>
    public AdminSettings Admin { get; set; } = new();

    /// <summary>Sample tasks run in this process and no login is asked for; only on loopback. Set by <c>--demo</c>, never by a file.</summary>
    public bool Demo { get; private set; }

    /// <summary>Reads and checks the settings.</summary>
    /// <param name="file">The file; null for <c>belfry.json</c> in the working directory, which may be missing.</param>
    /// <param name="options">What the command line says, by key; it wins.</param>
    /// <param name="demo">Run the sample tasks.</param>
    /// <exception cref="SettingsException">Values are wrong: it names all of them.</exception>
    public static BelfrySettings Load(string? file, IEnumerable<KeyValuePair<string, string?>> options, bool demo = false)
    {
        var settings = new BelfrySettings { Demo = demo };
        IConfigurationRoot keys = SettingsFile.Build(file ?? FileName, required: file is not null, options);
        List<SettingProblem> problems = [.. SettingsReader.Read(keys, settings, settings.Alerts).Select(Moved)];
        (settings.Access.Open, settings.Access.Site, settings.Admin.Site, settings.Admin.Captures) = (demo, settings.Site, settings.Site, settings.Log.Enabled);
        foreach ((string key, string problem) in settings.Problems().Where(found => !problems.Any(known => Covers(known.Key, found.Key))))
        {
            problems.Add(new SettingProblem(key, problem));
        }
        return problems.Count == 0 ? settings : throw new SettingsException(problems);
    }

    /// <summary>What is wrong with the values, each with its key.</summary>
    public IEnumerable<(string Key, string Problem)> Problems() =>
    [
        .. StoreProblems(), .. AddressProblems(),
        .. LostAfter <= TimeSpan.Zero ? [("LostAfter", "must be longer than nothing, e.g. 60s")] : Array.Empty<(string, string)>(),
        .. SourceSettings.Problems(Sources).Select(found => ("Sources:" + found.Key, found.Problem)),
        .. Overdue.Problems(), .. Retention.Problems(), .. Queues.Problems(), .. AppMapping.Problems(Apps), .. Mail.Problems(), .. Alerts.Problems(), .. Access.Problems(), .. Admin.Problems(),
    ];

    IEnumerable<(string Key, string Problem)> StoreProblems()
    {
        string? problem = null;
        try
        {
            StoreUrl.Parse(Store);
        }
        catch (FormatException e)
        {
            problem = e.Message;
        }
        return problem is null ? [] : [("Store", problem)];
    }

    /// <summary>The demo asks nobody for a login: so only this machine may reach it.</summary>
    IEnumerable<(string Key, string Problem)> AddressProblems()
    {
        foreach (string url in Addresses)
        {
            if (!Uri.TryCreate(url.Replace("://*", "://0.0.0.0").Replace("://+", "://0.0.0.0"), UriKind.Absolute, out Uri? uri)
                || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/")
            {
                yield return ("Urls", $"'{url}' is no address: use http://HOST:PORT");
            }
            else if (!IsLoopback(uri) && Demo)
            {
                yield return ("Urls", $"{url} is open to other machines, and --demo asks nobody for a login: use an address of this machine, e.g. http://127.0.0.1:2355");
            }
        }
    }

    /// <summary>The addresses, one by one.</summary>
    internal string[] Addresses => Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>It can only be reached from this machine.</summary>
    static bool IsLoopback(Uri uri) =>
        uri.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(uri.DnsSafeHost, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>Accounts stand in the store; a file that still has them is told what to do.</summary>
    static SettingProblem Moved(SettingProblem found) => found.Key.ToLowerInvariant() switch
    {
        "access:users" => found with { Problem = "accounts are kept in the store now: take this out of the file, and run 'belfry user add NAME --role ROLE' for each" },
        "access:tokens" => found with { Problem = "tokens are kept in the store now: take this out of the file, and run 'belfry token add NAME --scope SCOPE' for each" },
        _ => found,
    };

    static bool Covers(string known, string key) =>
        key.Equals(known, StringComparison.OrdinalIgnoreCase) || key.StartsWith(known + ":", StringComparison.OrdinalIgnoreCase);
}

/// <summary>What is kept of the arguments and results of tasks. The section <c>Arguments</c> of the settings.</summary>
public sealed class ArgumentSettings
{
    /// <summary>Values of keys that contain one of these, in any case, are hidden before anything is stored. A list, or separated by commas.</summary>
    public List<string> HiddenKeys { get; set; } = [.. new RunLogOptions().HiddenKeys];

    /// <summary>Empty the containers within containers; false by default.</summary>
    public bool TruncateNested { get; set; }
}

/// <summary>A wrong setting.</summary>
/// <param name="Key">Its key, e.g. <c>Mail:Port</c>.</param>
/// <param name="Problem">What is wrong, and what would be right.</param>
public sealed record SettingProblem(string Key, string Problem);

/// <summary>Settings are wrong: all of them, not only the first.</summary>
public sealed class SettingsException(IReadOnlyList<SettingProblem> problems)
    : Exception(string.Join("; ", problems.Select(found => $"{found.Key} {found.Problem}")))
{
    /// <summary>The wrong values, each with its key.</summary>
    public IReadOnlyList<SettingProblem> Problems => problems;
}
