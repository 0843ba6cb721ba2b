using Belfry.Storage.Writing;

namespace Belfry.Storage.Samples;

/// <summary>Samples in a store: one row for each series with its latest, and its quantities by instant.</summary>
sealed class SampleTable(ITableEngine tables)
{
    /// <summary>So many series there may be, in all sources; names of queues may be anything. Retention takes those that ended a year ago.</summary>
    public const int MostSeries = 10_000;

    /// <summary>Of these so many may be of workers, whose names are new with every container: there is always room for queues.</summary>
    public const int MostOfWorkers = 8_000;

    const string Touch = "UPDATE series SET at = $4, value = $5, text = $6 WHERE source = $1 AND kind = $2 AND subject = $3 RETURNING id";

    const string Begin = """
        INSERT INTO series(id, source, kind, subject, at, value, text, minutes, fives)
        SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, CAST($5 AS float8), CAST($6 AS text), $4 / 300000000 * 300000000, $4 / 300000000 * 300000000 FROM series HAVING count(*) < $7
        RETURNING id
        """;

    const string Put = "INSERT INTO sample(series, at, value) VALUES($1, $2, $3) ON CONFLICT DO NOTHING";

    const string Points = """
        SELECT s.at / $6 * $6, avg(s.value), max(coalesce(s.peak, s.value)) FROM sample AS s JOIN series ON series.id = s.series
        WHERE series.source = $1 AND series.kind = $2 AND series.subject = $3 AND s.at >= $4 AND s.at < $5
        GROUP BY 1 ORDER BY 1
        """;

    /// <summary>Adds samples.</summary>
    /// <returns>How many had no room, because there are too many series.</returns>
    public Task<int> AddAsync(IReadOnlyList<Sample> samples, CancellationToken cancel) => tables.WriteAsync(
        session => samples.Count(sample => !TryAdd(session, sample)), cancel);

    /// <summary>The latest of each series, of one kind or of all.</summary>
    public Task<IReadOnlyList<Sample>> LatestAsync(string? kind, CancellationToken cancel) => tables.ReadAsync(
        session => session.Read(
            "SELECT source, kind, subject, at, value, text FROM series WHERE kind = $1 OR $2 = 1 ORDER BY source, kind, subject",
            row => new Sample(row.Text(0), row.Text(1), row.Text(2), new Instant(row.Number(3)), row.RealOrNull(4), row.TextOrNull(5)), kind ?? "", kind is null ? 1 : 0),
        cancel);

    /// <summary>A series in stretches of the same length; those without a sample are left out.</summary>
    public Task<IReadOnlyList<SamplePoint>> PointsAsync(string source, string kind, string subject, Instant from, Instant to, TimeSpan step, CancellationToken cancel) =>
        tables.ReadAsync(
            session => session.Read(
                Points, row => new SamplePoint(new Instant(row.Number(0)), row.Real(1), row.Real(2)),
                source, kind, subject, from.Micros, to.Micros, Math.Max(1, step.Ticks / TimeSpan.TicksPerMicrosecond)),
            cancel);

    static bool TryAdd(ITableSession session, Sample told)
    {
        string subject = Excerpt.Of(told.Subject, TaskEvent.LongestName);
        object?[] row = [told.Source, told.Kind, subject, told.At.Micros, told.Value, told.Text];
        IReadOnlyList<long> series = session.Read(Touch, found => found.Number(0), row);
        if (series.Count == 0)
        {
            series = session.Read(Begin, made => made.Number(0), [.. row, told.Kind is SampleKinds.WorkerFact or SampleKinds.UnseenStarts ? MostOfWorkers : MostSeries]);
        }
        if (series.Count > 0 && told.Value is { } value)
        {
            session.Run(Put, series[0], told.At.Micros, value);
        }
        return series.Count > 0;
    }
}
