using Belfry.Celery.Control;
using Belfry.Server.Sources;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>All that the health page shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Sources">Sources.</param>
/// <param name="Workers">Workers, silent ones first.</param>
/// <param name="Gaps">Stretches of the last week in which a source was not listened to, newest first.</param>
/// <param name="Refusals">What was refused, dropped or unknown, latest first.</param>
/// <param name="Store">The store.</param>
/// <param name="Problem">Why the log cannot be written, or is damaged; null when all is well.</param>
/// <param name="Count">What takes the room in it; null until that was counted.</param>
/// <param name="Waiting">Calls of applications that wait, by queue.</param>
/// <param name="Dead">Dead letters.</param>
/// <param name="Flags">Settings of Celery that are off, by source.</param>
/// <param name="Stuck">Runs that are stuck.</param>
/// <param name="Long">Runs that run for long.</param>
/// <param name="WantsTextIndex">A full-text index is to be kept.</param>
public sealed record HealthView(
    PageFrame Frame, IReadOnlyList<SourceStatus> Sources, IReadOnlyList<WorkerStatus> Workers,
    IReadOnlyList<SourceGap> Gaps, IReadOnlyList<Refusal> Refusals, StoreStatus Store, string? Problem, StoreCount? Count,
    IReadOnlyDictionary<string, int> Waiting, RunCount Dead, IReadOnlyList<(string Source, FlagFinding Flag)> Flags, OverdueCount Stuck, OverdueCount Long,
    bool? WantsTextIndex)
{
    /// <summary>How far back gaps are listed.</summary>
    public static readonly TimeSpan GapsOf = TimeSpan.FromDays(7);

    /// <summary>Rows of a table; each can grow without end.</summary>
    public const int MostRows = 200;

    /// <summary>A full-text index is wanted and cannot be kept.</summary>
    public bool LacksTextIndex => WantsTextIndex == true && Store.TextIndexLacks is not null;

    const int MostDead = 10_000;
    static readonly TimeSpan CountTime = TimeSpan.FromMilliseconds(200), LookTime = TimeSpan.FromSeconds(1.5);

    /// <summary>Workers that do not beat and are connected all the same, by source and name: a solo worker at work, for one.</summary>
    public IReadOnlySet<(string Source, string Worker)> Busy { get; init; } = new HashSet<(string, string)>();

    /// <summary>How a worker is.</summary>
    public WorkerState StateOf(WorkerStatus worker) => worker.Online ? WorkerState.Online : Busy.Contains((worker.Source, worker.Name)) ? WorkerState.Busy : WorkerState.Silent;

    /// <summary>What is wrong, in a sentence.</summary>
    public string Verdict
    {
        get
        {
            string[] wrong =
            [
                .. Sources.Where(source => source.Problem is not null).Select(source => $"{source.Name}: {source.Problem}"),
                .. Workers.Count(worker => StateOf(worker) == WorkerState.Silent) is > 0 and var silent ? [$"{silent} of {Workers.Count} workers silent"] : Array.Empty<string>(),
                .. LacksTextIndex ? ["the full-text index is missing"] : Array.Empty<string>(),
            ];
            return Problem is not null ? $"the log cannot be written as it should: {Problem}"
                : Frame.Pulse is { Source: "log", Problem: { } off } ? off
                : wrong.Length > 0 ? string.Join(" · ", wrong)
                : Sources.Count == 0 ? "no source is connected" : $"{Sources.Count} {(Sources.Count == 1 ? "source" : "sources")}, {Workers.Count} {(Workers.Count == 1 ? "worker" : "workers")}, all well";
        }
    }

    /// <summary>Reads it.</summary>
    internal static async Task<HealthView> ReadAsync(RunLog log, DeadLetters letters, Clusters clusters, StoreCount? count, PageFrame frame, CancellationToken cancel)
    {
        Instant now = frame.Clock.Now;
        RunQueries queries = log.Queries;
        IReadOnlyList<WorkerStatus> workers = await queries.WorkersAsync(cancel);
        return new HealthView(
            frame,
            await queries.SourcesAsync(cancel),
            workers,
            [.. (await queries.GapsAsync(now - GapsOf, now, cancel)).OrderByDescending(gap => gap.From.Micros)],
            [.. (await queries.RefusalsAsync(cancel)).OrderByDescending(refusal => refusal.Last.Micros)],
            await queries.StatusAsync(cancel),
            log.Problem,
            count,
            log.Work is null ? new Dictionary<string, int>() : await log.Work.WaitingAsync(cancel),
            await letters.CountAsync(MostDead, CountTime, cancel),
            [.. clusters.All.SelectMany(cluster => cluster.Flags.Off.Select(flag => (cluster.Name, flag)))],
            await OverdueAsync(queries, Overdue.Stuck, frame, cancel),
            await OverdueAsync(queries, Overdue.Long, frame, cancel),
            log.WantsTextIndex)
        {
            Busy = (await Task.WhenAll(clusters.All.Select(cluster => BusyAsync(cluster, KnownWorkers.Of(workers, cluster.Name, now).Silent, cancel)))).SelectMany(busy => busy).ToHashSet(),
        };
    }

    /// <summary>Those of the silent that are connected; none where nobody can say, or not soon.</summary>
    static async Task<IEnumerable<(string, string)>> BusyAsync(Cluster cluster, IReadOnlyList<string> silent, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(LookTime);
        try
        {
            return silent.Count == 0 ? [] : (await cluster.Control.FindAsync(silent, over.Token)).Where(worker => worker.Value == Presence.Connected).Select(worker => (cluster.Name, worker.Key));
        }
        catch (Exception away) when (away is IOException or Celery.BrokerException || (away is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return [];
        }
    }

    static async Task<OverdueCount> OverdueAsync(RunQueries queries, string kind, PageFrame frame, CancellationToken cancel)
    {
        string search = Overdue.Search(kind, frame.Overdue, frame.Clock.Now)!;
        return new OverdueCount(await queries.CountAsync(new RunFilter { Text = search }, MostDead, CountTime, cancel), new LogQuery { Last = "all", Text = search }.Url(frame));
    }
}

/// <summary>How many runs are overdue, and where they are listed.</summary>
public sealed record OverdueCount(RunCount Runs, string Url);
