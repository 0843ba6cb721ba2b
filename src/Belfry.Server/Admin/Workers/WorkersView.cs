using Belfry.Celery.Control;
using Belfry.Server.Sources;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>What the list of workers shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Rows">The workers, those that are silent first.</param>
/// <param name="Problems">Clusters that could not be asked, and why.</param>
public sealed record WorkersView(PageFrame Frame, IReadOnlyList<WorkerRow> Rows, IReadOnlyList<(string Source, string Problem)> Problems)
{
    /// <summary>Rows of the table; names of workers are input from outside.</summary>
    public const int MostRows = 500;

    /// <summary>All in a sentence.</summary>
    public string Verdict
    {
        get
        {
            long slots = Rows.Sum(row => row.Stats?.Slots ?? 0), busy = Rows.Where(row => row.Stats?.Slots is not null).Sum(row => row.Active ?? 0);
            return Rows.Count == 0 ? "none is known" : $"{Format.Count(Rows.Count(row => row.State != WorkerState.Silent))} of {Format.Count(Rows.Count)} online" + (slots > 0 ? $", {Format.Count(busy)} of {Format.Count(slots)} slots busy" : "");
        }
    }

    /// <summary>Puts together what the log knows and what the workers say.</summary>
    public static WorkersView Of(PageFrame frame, IReadOnlyList<WorkerStatus> known, IReadOnlyDictionary<string, ClusterLook> looks)
    {
        IEnumerable<WorkerRow> rows = known.Select(worker => looks.TryGetValue(worker.Source, out ClusterLook? look) ? WorkerRow.Of(worker.Source, worker.Name, worker, look) : new WorkerRow(worker.Source, worker.Name, worker, null, [], worker.Online ? WorkerState.Online : WorkerState.Silent));
        HashSet<(string, string)> heard = [.. known.Select(worker => (worker.Source, worker.Name))]; // a site may have thousands
        IEnumerable<WorkerRow> strangers = looks.SelectMany(look => look.Value.Stats.Keys.Where(name => !heard.Contains((look.Key, name))).Select(name => WorkerRow.Of(look.Key, name, null, look.Value)));
        return new WorkersView(
            frame, [.. rows.Concat(strangers).OrderByDescending(row => row.State).ThenBy(row => row.Source, StringComparer.Ordinal).ThenBy(row => row.Name, StringComparer.Ordinal)],
            [.. looks.Where(look => look.Value.Problem is not null).Select(look => (look.Key, look.Value.Problem!))]);
    }
}

/// <summary>A worker in the list.</summary>
/// <param name="Source">Its source.</param>
/// <param name="Name">Its node name.</param>
/// <param name="Status">What the log knows of it; null when it sends no heartbeats.</param>
/// <param name="Stats">Its figures; null when it did not answer.</param>
/// <param name="Queues">Queues that it takes from.</param>
/// <param name="State">How it is.</param>
public sealed record WorkerRow(string Source, string Name, WorkerStatus? Status, WorkerStats? Stats, IReadOnlyList<string> Queues, WorkerState State)
{
    /// <summary>How many of its slots are at work.</summary>
    public long? Active => Status is { Online: true, Beat.Active: { } active } ? active : null;

    /// <summary>Its pool in words: <c>prefork 8</c>.</summary>
    public string Pool => Stats is null ? Format.Nothing : $"{(Stats.IsSolo ? "solo" : Stats.Pool ?? "pool")} {Stats.Slots}".Trim();

    /// <summary>One worker of a cluster that was looked at.</summary>
    public static WorkerRow Of(string source, string name, WorkerStatus? status, ClusterLook look)
    {
        WorkerStats? stats = look.Stats.GetValueOrDefault(name);
        return new WorkerRow(source, name, status, stats, look.Queues.GetValueOrDefault(name, []), StateOf(stats is not null, look.PresenceOf(name), status?.Online == true));
    }

    /// <summary>An answer proves that it is there; a connection that it is busy; else its heartbeats decide.</summary>
    public static WorkerState StateOf(bool answers, Presence presence, bool online) =>
        answers ? WorkerState.Online : presence == Presence.Connected ? WorkerState.Busy : online && presence != Presence.Gone ? WorkerState.Online : WorkerState.Silent;
}

/// <summary>How a worker is. The order is that of getting worse.</summary>
public enum WorkerState
{
    /// <summary>It answers or beats.</summary>
    Online,

    /// <summary>It is connected and says nothing: a solo worker at work, for one.</summary>
    Busy,

    /// <summary>It is not heard of.</summary>
    Silent,
}
