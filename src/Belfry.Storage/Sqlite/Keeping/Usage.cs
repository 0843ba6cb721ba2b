using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Reading;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>Counts runs by task over an index, and estimates their bytes from the newest of each.</summary>
static class Usage
{
    const string SampleOf = "SELECT avg(bytes) FROM (SELECT coalesce(length(payload), 0) AS bytes FROM run WHERE name IS ? ORDER BY at DESC LIMIT 200)";

    public static LogUsage Read(Database database, StoreUrl url, IRowContext names)
    {
        var tasks = new List<TaskUsage>();
        using Statement count = database.PrepareOnce("SELECT name, count(*) FROM run GROUP BY name");
        while (count.Step())
        {
            Statement sample = database.Prepare(SampleOf).Bind(1, count.Int64OrNull(0));
            double payload = sample.Step() ? sample.Double(0) : 0;
            sample.Reset();
            tasks.Add(new TaskUsage(names.Text(count.Int64OrNull(0)) ?? "", count.Int64(1), (long)(count.Int64(1) * (payload + ExpiredRuns.BytesBesidePayload))));
        }
        StoreStatus status = SurroundingsReader.Store(database, url);
        return new LogUsage(tasks.Sum(task => task.Runs) + status.OpenRuns, status.Bytes, [.. tasks.OrderByDescending(task => task.Bytes)]);
    }
}
