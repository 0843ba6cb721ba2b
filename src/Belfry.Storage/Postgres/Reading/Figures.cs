using Belfry.Storage.Rollups;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>Reads the figures of a span from rollups.</summary>
static class Figures
{
    public static async Task<LogFigures> ReadAsync(Question question, Instant from, Instant to, IReadOnlyList<string> tasks)
    {
        HashSet<long>? wanted = tasks.Count == 0 ? null : [.. (await TaskNames.NumbersAsync(question, tasks)).Select(number => (long)number)];
        var sum = new FiguresSum(from, to, wanted, await IsThinnedAsync(question, from));
        await question.EachAsync(
            $"SELECT cell & {RollupChanges.All}, {FiguresSum.Sums} FROM {sum.Table} WHERE cell >= $1 AND cell < $2 GROUP BY 1", [sum.FirstCell, sum.LastCell],
            row => sum.AddEnds(row.GetInt64(0), [row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6)]));
        await question.EachAsync(
            $"SELECT cell & {RollupChanges.All}, hist FROM {sum.Table} WHERE cell >= $1 AND cell < $2 AND timed > 0 AND (NOT $3 OR cell & {RollupChanges.All} = {RollupChanges.All})",
            [sum.FirstCell, sum.LastCell, wanted is null],
            row =>
            {
                if (sum.Wants(row.GetInt64(0)))
                {
                    sum.AddDurations(row.GetFieldValue<byte[]>(1));
                }
            });
        await question.EachAsync(
            $"SELECT cell, completed + failed + retried + cancelled + skipped + lost, failed + lost FROM {sum.BarTable} WHERE cell >= $1 AND cell < $2 ORDER BY cell",
            [sum.FirstBarCell, sum.LastBarCell], row => sum.AddBar(row.GetInt64(0), row.GetInt32(1), row.GetInt32(2)));
        await question.EachAsync(
            "SELECT state, name, count(*) FROM run_open GROUP BY state, name", [],
            row => sum.AddOpen((RunState)row.GetInt16(0), row.IsDBNull(1) ? null : row.GetInt32(1), row.GetInt64(2)));
        return sum.Total(name => question.Names.Text((int)name));
    }

    /// <summary>Figures by the minute are gone there: hours begin before the first minute does.</summary>
    static async Task<bool> IsThinnedAsync(Question question, Instant from)
    {
        bool thinned = false;
        await question.EachAsync(
            "SELECT EXISTS(SELECT 1 FROM hour WHERE cell >= $1 AND cell < coalesce((SELECT ((cell >> 20) / 60) << 20 FROM minute ORDER BY cell LIMIT 1), 9223372036854775807))",
            [RollupChanges.HourOf(from) << RollupChanges.NameBits], row => thinned = row.GetBoolean(0));
        return thinned;
    }

    /// <summary>Ended runs of the whole log.</summary>
    public static Task<long> EndedAsync(Question question) => question.NumberAsync(
        $"SELECT sum(completed + failed + retried + cancelled + skipped + lost) FROM hour WHERE cell & {RollupChanges.All} = {RollupChanges.All}");
}
