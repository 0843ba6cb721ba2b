using Belfry.Storage.Postgres.Reading;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>Counts runs by task, and estimates their bytes from the newest of each.</summary>
static class Usage
{
    const string Tasks = """
        SELECT counted.name, counted.runs, coalesce(sample.bytes, 0)
        FROM (SELECT name, count(*) AS runs FROM (SELECT name FROM run_done UNION ALL SELECT name FROM run_kept) AS ended GROUP BY name) AS counted
        LEFT JOIN LATERAL (
          SELECT avg(bytes)::float8 AS bytes FROM (
            (SELECT coalesce(octet_length(payload), 0) AS bytes FROM run_done WHERE name = counted.name ORDER BY at DESC LIMIT 200)
            UNION ALL (SELECT coalesce(octet_length(payload), 0) FROM run_kept WHERE name = counted.name ORDER BY at DESC LIMIT 200)) AS newest) AS sample ON TRUE
        """;

    public static async Task<LogUsage> ReadAsync(Question question, StoreUrl url)
    {
        var tasks = new List<TaskUsage>();
        await question.EachAsync(Tasks, [], row => tasks.Add(new TaskUsage(
            row.IsDBNull(0) ? "" : question.Names.Text(row.GetInt32(0)), row.GetInt64(1), (long)(row.GetInt64(1) * (row.GetDouble(2) + ExpiredRun.BytesBesidePayload)))));
        StoreStatus status = await SurroundingsReader.StoreAsync(question, url);
        return new LogUsage(tasks.Sum(task => task.Runs) + status.OpenRuns, status.Bytes, [.. tasks.OrderByDescending(task => task.Bytes)]);
    }
}
