using Belfry.Storage.Writing;

namespace Belfry.Storage.Samples;

/// <summary>
/// Samples thin out as they age: as they came for two days, one a minute for two weeks, one each five minutes for a year. A year later they are gone.
/// </summary>
sealed class SampleThinning(ITableEngine tables, Instant now)
{
    /// <summary>So long samples stay as they came.</summary>
    public static readonly TimeSpan AllKept = TimeSpan.FromDays(2);

    /// <summary>So long there is one a minute.</summary>
    public static readonly TimeSpan MinutesKept = TimeSpan.FromDays(14);

    /// <summary>So long there is one each five minutes.</summary>
    public static readonly TimeSpan FivesKept = TimeSpan.FromDays(365);

    /// <summary>So long facts stay of a worker that tells them no more: the names of containers never come back.</summary>
    public static readonly TimeSpan GoneWorkersKept = TimeSpan.FromDays(14);

    const int DeletedAtOnce = 5000; // some 10 ms, of the 100 that may hold up the log

    // What one piece reads is 8,640 samples at most, where they come each ten seconds.
    static readonly Level[] Levels =
    [
        new("minutes", AllKept, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)),
        new("fives", MinutesKept, TimeSpan.FromMinutes(5), TimeSpan.FromDays(7)),
    ];

    /// <summary>Thins what is due, each piece in a transaction of its own.</summary>
    /// <returns>How many samples went.</returns>
    public async Task<long> RunAsync(CancellationToken cancel)
    {
        long gone = 0;
        foreach (Level level in Levels)
        {
            IReadOnlyList<(long Id, long Mark)> all = await tables.ReadAsync(
                session => session.Read($"SELECT id, {level.Mark} FROM series ORDER BY id", row => (row.Number(0), row.Number(1))), cancel);
            foreach ((long series, long mark) in all)
            {
                gone += await ThinAsync(series, mark, level, cancel);
            }
        }
        return gone + await ForgetAsync(cancel);
    }

    async Task<long> ThinAsync(long series, long mark, Level level, CancellationToken cancel)
    {
        long width = Micros(level.Width), gone = 0, due = (now - level.Kept).Micros / width * width;
        for (long from = mark, to; from < due; from = to)
        {
            to = Math.Min(due, from + Micros(level.Piece));
            long begin = from, end = to;
            gone += await tables.WriteAsync(session => Merge(session, series, begin, end, width, level.Mark), cancel);
        }
        return gone;
    }

    static long Merge(ITableSession session, long series, long from, long to, long width, string mark)
    {
        IReadOnlyList<SamplePoint> merged = session.Read(
            "SELECT at / $4 * $4, avg(value), max(coalesce(peak, value)) FROM sample WHERE series = $1 AND at >= $2 AND at < $3 GROUP BY 1 ORDER BY 1",
            row => new SamplePoint(new Instant(row.Number(0)), row.Real(1), row.Real(2)), series, from, to, width);
        int before = session.Run("DELETE FROM sample WHERE series = $1 AND at >= $2 AND at < $3", series, from, to);
        foreach (SamplePoint point in merged)
        {
            session.Run(
                "INSERT INTO sample(series, at, value, peak) VALUES($1, $2, $3, $4)", series, point.At.Micros, point.Average, point.Peak > point.Average ? point.Peak : null);
        }
        session.Run($"UPDATE series SET {mark} = $2 WHERE id = $1", series, to);
        return before - merged.Count;
    }

    /// <summary>What is a year old goes, what workers told that are gone, and series of which nothing is left.</summary>
    async Task<long> ForgetAsync(CancellationToken cancel)
    {
        long old = (now - FivesKept).Micros, silent = (now - GoneWorkersKept).Micros, gone = 0;
        IReadOnlyList<(long Id, bool IsOfGone)> all = await tables.ReadAsync(
            session => session.Read("SELECT id, kind, at FROM series ORDER BY id", row => (row.Number(0), row.Text(1) == SampleKinds.WorkerFact && row.Number(2) < silent)), cancel);
        foreach ((long series, bool isOfGone) in all)
        {
            long horizon = isOfGone ? silent : old;
            int piece;
            do
            {
                piece = await tables.WriteAsync(
                    session => session.Run(
                        "DELETE FROM sample WHERE series = $1 AND at IN (SELECT at FROM sample WHERE series = $1 AND at < $2 ORDER BY at LIMIT $3)", series, horizon, DeletedAtOnce),
                    cancel);
                gone += piece;
            }
            while (piece == DeletedAtOnce);
        }
        await tables.WriteAsync(
            session => session.Run(
                "DELETE FROM series WHERE (at < $1 OR (kind = $2 AND at < $3) OR (kind = $4 AND at < $5)) AND NOT EXISTS(SELECT 1 FROM sample WHERE sample.series = series.id)",
                old, SampleKinds.WorkerFact, silent, SampleKinds.UnseenStarts, (now - RefusalTable.Kept).Micros),
            cancel);
        return gone;
    }

    static long Micros(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    sealed record Level(string Mark, TimeSpan Kept, TimeSpan Width, TimeSpan Piece);
}
