using System.Globalization;
using Belfry.Storage.Search;

namespace Belfry.Storage;

/// <summary>Figures of a span of time, from rollups: never by counting runs, except those still open.</summary>
/// <param name="From">Begin, rounded down to a whole bucket.</param>
/// <param name="To">End.</param>
/// <param name="BucketSeconds">Width of a bucket: 60 or 3600.</param>
/// <param name="Buckets">Ends per bucket, oldest first, empty ones left out.</param>
/// <param name="States">Runs by state: ends within the span, and all that are open now.</param>
/// <param name="Tasks">Ends by task within the span, most first.</param>
/// <param name="P95Runtime">95th percentile of runtimes in seconds; null where nothing completed or failed.</param>
public sealed record LogFigures(
    Instant From, Instant To, int BucketSeconds, IReadOnlyList<BucketFigures> Buckets,
    IReadOnlyDictionary<RunState, long> States, IReadOnlyList<TaskFigures> Tasks, double? P95Runtime)
{
    /// <summary>All runs of the span.</summary>
    public long Runs => States.Values.Sum();

    /// <summary>Failed and lost ones.</summary>
    public long Bad => States.GetValueOrDefault(RunState.Failed) + States.GetValueOrDefault(RunState.Lost);

    /// <summary>A report, and the runs that are open.</summary>
    internal static LogFigures Of(LogReport report, IReadOnlyDictionary<RunState, long> open) => new(
        report.From, report.To, (int)report.BarSeconds,
        [.. report.Total.Bars.Where(bar => bar.Runs.Ended > 0).Select(bar => new BucketFigures(bar.At, bar.Runs.Ended, bar.Runs.Bad))],
        RunStates.All.Select(state => (State: state, Runs: report.Total.Runs[state] + open.GetValueOrDefault(state))).Where(known => known.Runs > 0).ToDictionary(),
        [.. report.Subjects.Where(task => task.Runs.Ended > 0).Select(task => new TaskFigures(task.Name, task.Runs.Ended, task.Runs.Bad))],
        report.Total.Runtime?.P95);
}

/// <summary>What ended in one bucket of time.</summary>
/// <param name="At">Its begin.</param>
/// <param name="Ended">Runs that ended in it.</param>
/// <param name="Bad">Those of them that failed or were lost.</param>
public sealed record BucketFigures(Instant At, long Ended, long Bad);

/// <summary>What ended of one task.</summary>
/// <param name="Task">Its name.</param>
/// <param name="Ended">Runs that ended.</param>
/// <param name="Bad">Those of them that failed or were lost.</param>
public sealed record TaskFigures(string Task, long Ended, long Bad);

/// <summary>A worker as its events show it.</summary>
/// <param name="Source">The cluster.</param>
/// <param name="Name">Its node name, e.g. <c>celery@host</c>.</param>
/// <param name="Online">It beat within twice its interval when last judged.</param>
/// <param name="LastBeat">Its last sign of life as sent.</param>
/// <param name="LastHeard">When that arrived here.</param>
/// <param name="Beat">Its own figures, as far as it told them.</param>
/// <param name="OpenRuns">Its runs that have not ended.</param>
public sealed record WorkerStatus(string Source, string Name, bool Online, Instant LastBeat, Instant LastHeard, WorkerBeat Beat, long OpenRuns);

/// <summary>A source as the log knows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it is: <c>celery-redis</c>, <c>local</c> …</param>
/// <param name="Heard">Since when it is known.</param>
/// <param name="ListenedTo">Until when it was listened to without a break; for a source that loses what is not heard.</param>
/// <param name="Misses">It loses what is sent while nobody listens (Redis pub/sub does).</param>
/// <param name="LastEvent">Arrival of its last event.</param>
/// <param name="Problem">What is wrong with it now, in a sentence; null when all is well.</param>
public sealed record SourceStatus(string Name, string Kind, Instant Heard, Instant ListenedTo, bool Misses, Instant? LastEvent, string? Problem)
{
    /// <summary>The server that reads it, where several may share the store; else null.</summary>
    public string? Reader { get; init; }

    /// <summary>The gap that is still open, of a source that loses what nobody hears and was not listened to since before an instant.</summary>
    internal SourceGap? OpenGap(Instant silentSince, Instant to) =>
        Misses && ListenedTo < silentSince && ListenedTo <= to ? new SourceGap(Name, ListenedTo, null, Problem ?? "nobody has listened since") : null;
}

/// <summary>A stretch of time in which a source was not listened to.</summary>
/// <param name="Source">The source.</param>
/// <param name="From">Begin.</param>
/// <param name="To">End; null while it lasts.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record SourceGap(string Source, Instant From, Instant? To, string Reason);

/// <summary>Something that was refused, dropped or unknown, counted.</summary>
/// <param name="Source">Where it came from.</param>
/// <param name="What">What it was, e.g. <c>unknown kind task-foo</c> or <c>bytes that are no event</c>.</param>
/// <param name="Times">How often.</param>
/// <param name="Last">When last.</param>
public sealed record Refusal(string Source, string What, long Times, Instant Last);

/// <summary>The store itself.</summary>
/// <param name="Url">Its URL, without secrets.</param>
/// <param name="Engine">Engine and version, e.g. <c>SQLite 3.40.1</c>.</param>
/// <param name="Schema">Version of its schema.</param>
/// <param name="Bytes">Bytes on disk, write-ahead log included; 0 in memory.</param>
/// <param name="FreeBytes">Bytes free on that disk; null in memory and on a server.</param>
/// <param name="EndedRuns">Ended runs, an estimate above 10,000.</param>
/// <param name="OpenRuns">Open runs.</param>
public sealed record StoreStatus(string Url, string Engine, int Schema, long Bytes, long? FreeBytes, long EndedRuns, long OpenRuns)
{
    /// <summary>The full-text index; null where there is none.</summary>
    public TextIndexStatus? TextIndex { get; init; }

    /// <summary>Why there can be no full-text index in this store, and what mends that; null when there can.</summary>
    public string? TextIndexLacks { get; init; }

    /// <summary>How the full-text index does, in words.</summary>
    /// <param name="wanted">It is to be kept, or to go away; null when whoever asks has nothing to do with it.</param>
    public string TellTextIndex(bool? wanted) => (wanted, TextIndex) switch
    {
        (false, { }) => "off, and being taken away",
        (true, null) when TextIndexLacks is not null => $"there is none: {TextIndexLacks}",
        (true, null) => "not made yet",
        (_, null) => "off",
        (_, { } index) when TextIndexLacks is not null => $"{index}, and it stands still: {TextIndexLacks}",
        (_, { IsUpToDate: true } index) => $"{index}, up to date",
        (_, { } index) => string.Create(CultureInfo.InvariantCulture, $"{index}, {index.Due:N0} wait{(index.WeeksMissing ? ", and weeks of older ones" : "")}"),
    };
}

/// <summary>How far the full-text index is.</summary>
/// <param name="Runs">Runs in it, those deleted since included until their week is made anew.</param>
/// <param name="Due">Runs that came or changed since.</param>
/// <param name="WeeksMissing">There are whole weeks of runs that it has not reached.</param>
public sealed record TextIndexStatus(long Runs, long Due, bool WeeksMissing)
{
    /// <summary>Searches read no rows but those that it finds.</summary>
    public bool IsUpToDate => Due == 0 && !WeeksMissing;

    /// <inheritdoc/>
    public override string ToString() => Runs == 1 ? "1 run" : string.Create(CultureInfo.InvariantCulture, $"{Runs:N0} runs");

    /// <summary>It is filled from the newest week to the oldest, so it has all weeks when it has these two and each that it has is whole.</summary>
    internal static TextIndexStatus Of(IReadOnlyList<TextWeek> weeks, long due, long oldest, long newest)
    {
        bool hasEnds = new[] { oldest, newest }.All(at => at == 0 || weeks.Any(week => week.Week == TextWeek.Of(at)));
        return new TextIndexStatus(weeks.Sum(week => week.Runs), due, !hasEnds || weeks.Any(week => !week.IsWhole));
    }
}
