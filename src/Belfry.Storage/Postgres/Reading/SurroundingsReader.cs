using Belfry.Storage.Postgres.Schema;
using Belfry.Storage.Postgres.Texts;
using Npgsql;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>Reads what the log knows beside runs.</summary>
static class SurroundingsReader
{
    public static async Task<IReadOnlyList<WorkerStatus>> WorkersAsync(Question question)
    {
        var workers = new List<WorkerStatus>();
        await question.EachAsync(
            """
            SELECT w.source, w.name, online, beat, heard, pid, frequency, active, processed, software, coalesce(runs, 0)
            FROM worker AS w LEFT JOIN (SELECT source, worker, count(*) AS runs FROM run_open GROUP BY source, worker) AS o ON o.source = w.source AND o.worker = w.name
            """,
            [],
            row =>
            {
                var beat = new WorkerBeat(
                    row.IsDBNull(5) ? null : row.GetInt32(5), row.IsDBNull(6) ? null : row.GetDouble(6), Long(row, 7), Long(row, 8), row.IsDBNull(9) ? null : row.GetString(9));
                workers.Add(new WorkerStatus(
                    question.Names.Text(row.GetInt32(0)), question.Names.Text(row.GetInt32(1)), row.GetBoolean(2), new Instant(row.GetInt64(3)), new Instant(row.GetInt64(4)),
                    beat, row.GetInt64(10)));
            });
        return [.. workers.OrderBy(worker => worker.Online).ThenBy(worker => worker.Source, StringComparer.Ordinal).ThenBy(worker => worker.Name, StringComparer.Ordinal)];
    }

    public static async Task<IReadOnlyList<SourceStatus>> SourcesAsync(Question question)
    {
        var readers = new Dictionary<string, string>(StringComparer.Ordinal);
        await question.EachAsync(
            "SELECT name, host FROM lease WHERE until >= (extract(epoch FROM clock_timestamp()) * 1000000)::int8", [], row => readers[row.GetString(0)] = row.GetString(1));
        var sources = new List<SourceStatus>();
        await question.EachAsync("SELECT name, kind, heard, listened, misses, last_event, problem FROM source", [], row =>
        {
            string name = question.Names.Text(row.GetInt32(0));
            sources.Add(new SourceStatus(
                name, row.GetString(1), new Instant(row.GetInt64(2)), new Instant(row.GetInt64(3)), row.GetBoolean(4),
                Long(row, 5) is { } last ? new Instant(last) : null, row.IsDBNull(6) ? null : row.GetString(6))
            {
                Reader = readers.GetValueOrDefault(RunLog.SourceLease(name)),
            });
        });
        return [.. sources.OrderBy(source => source.Name, StringComparer.Ordinal)];
    }

    public static async Task<IReadOnlyList<SourceGap>> GapsAsync(Question question, Instant from, Instant to, Instant silentSince)
    {
        var gaps = new List<SourceGap>();
        await question.EachAsync(
            "SELECT source, from_at, to_at, reason FROM gap WHERE to_at >= $1 AND from_at <= $2", [from.Micros, to.Micros],
            row => gaps.Add(new SourceGap(question.Names.Text(row.GetInt32(0)), new Instant(row.GetInt64(1)), new Instant(row.GetInt64(2)), row.GetString(3))));
        gaps.AddRange((await SourcesAsync(question)).Select(source => source.OpenGap(silentSince, to)).OfType<SourceGap>());
        return [.. gaps.OrderBy(gap => gap.From)];
    }

    public static async Task<IReadOnlyList<Refusal>> RefusalsAsync(Question question)
    {
        var refusals = new List<Refusal>();
        await question.EachAsync(
            "SELECT source, what, times, last FROM refusal ORDER BY last DESC", [],
            row => refusals.Add(new Refusal(question.Names.Text(row.GetInt32(0)), row.GetString(1), row.GetInt64(2), new Instant(row.GetInt64(3)))));
        return refusals;
    }

    public static async Task<StoreStatus> StoreAsync(Question question, StoreUrl url)
    {
        long bytes = await question.NumberAsync("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'belfry'::regnamespace AND relkind = 'r'");
        long open = await question.NumberAsync("SELECT count(*) FROM run_open");
        return new StoreStatus(
            url.Text, $"PostgreSQL {question.Connection.PostgreSqlVersion.ToString(2)}", Migrations.Newest, bytes, null, await Figures.EndedAsync(question), open)
        {
            TextIndex = await TextWeeks.StatusAsync(question), TextIndexLacks = await TextWeeks.LacksAsync(question),
        };
    }

    static long? Long(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
}
