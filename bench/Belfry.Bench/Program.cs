using System.Diagnostics;
using Belfry.Bench;

if (args is ["consume", var broker, var file])
{
    await Consumer.RunAsync(broker, file);
    return 0;
}
if (args is ["append", var store, var number, var runs, var lag])
{
    await PostgresAppender.RunAsync(store, int.Parse(number), int.Parse(runs), int.Parse(lag));
    return 0;
}
var rows = new Dictionary<string, Func<bool, Task<IReadOnlyList<Figure>>>>
{
    ["ingest-redis"] = IngestRows.FlatOutAsync,
    ["redis-burst"] = BurstRows.FilledAsync,
    ["ingest-steady"] = IngestRows.SteadyAsync,
    ["ingest-backlog"] = BacklogRows.FromRedisAsync,
    ["ingest-rabbit"] = RabbitRows.FlatOutAsync,
    ["rabbit-steady"] = RabbitRows.SteadyAsync,
    ["rabbit-burst"] = RabbitRows.BurstAsync,
    ["watch-1000-workers"] = WatchRows.ThousandAsync,
    ["inspect-ping"] = ControlRows.PingAsync,
    ["server-memory"] = ServerRows.MemoryAsync,
    ["store-append"] = StoreRows.AppendAsync,
    ["store-large"] = StoreRows.LargeAsync,
    ["search-text"] = SearchRows.TextAsync,
    ["search-text-postgres"] = SearchRows.TextOnPostgresAsync,
    ["report-90d"] = ReportRows.SqliteAsync,
    ["report-90d-postgres"] = ReportRows.PostgresAsync,
    ["retention-day"] = RetentionRows.DayAsync,
    ["postgres-whole"] = PostgresRows.WholeAsync,
    ["postgres-open-first"] = PostgresRows.OpenFirstAsync,
    ["postgres-two-writers"] = PostgresRows.TwoWritersAsync,
    ["postgres-questions"] = PostgresRows.QuestionsAsync,
    ["store-backlog"] = BacklogRows.InStoreAsync,
    ["queue-1024"] = QueueRows.ManyAsync,
    ["queue-64"] = QueueRows.FewAsync,
    ["queue-list"] = MessageRows.ListAsync,
    ["scheduler-idle"] = SchedulerRows.IdleAsync,
    ["scheduler-year"] = SchedulerRows.YearAsync,
    ["scheduler-burst"] = SchedulerRows.BurstAsync,
    ["scheduler-minute"] = SchedulerRows.MinuteAsync,
};
string[] named = [.. args.Where(argument => !argument.StartsWith("--", StringComparison.Ordinal))];
string[] unknown = [.. named.Except(rows.Keys), .. args.Except(named).Except(["--small", "--json"])];
if (unknown.Length > 0)
{
    Console.Error.WriteLine($"bench/run: unknown {string.Join(", ", unknown)}; rows are {string.Join(", ", rows.Keys)}; options are --small and --json");
    return 2;
}
foreach (string row in named.Length > 0 ? named : [.. rows.Keys])
{
    long begin = Stopwatch.GetTimestamp();
    foreach (Figure figure in await rows[row](args.Contains("--small")))
    {
        Console.WriteLine(args.Contains("--json") ? figure.ToJson() : figure.ToString());
    }
    Console.Error.WriteLine($"{row} took {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s");
}
return 0;
