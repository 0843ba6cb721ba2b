using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Server.Sources;

namespace Belfry.Cli;

/// <summary><c>belfry inspect workers</c>, <c>belfry inspect bindings</c>, <c>belfry graph</c>: a cluster of Celery as a whole.</summary>
static class ClusterVerbs
{
    static readonly Option<bool> Json = Common.Json();

    /// <summary><c>belfry inspect workers</c>.</summary>
    public static Verb BuildWorkers() =>
        WorkerAsking.AddTo(new Verb("workers", "Workers with pool, queues and what they did", "belfry inspect workers --broker redis://localhost:6379/0") { Json }).Does(WorkersAsync);

    /// <summary><c>belfry inspect bindings</c>.</summary>
    public static Verb BuildBindings() =>
        WorkerAsking.AddTo(new Verb("bindings", "Which queue gets what is published to which exchange", "belfry inspect bindings --broker redis://localhost:6379/0") { Json }, some: false).Does(BindingsAsync);

    /// <summary><c>belfry graph</c>.</summary>
    public static Verb BuildGraph() =>
        WorkerAsking.AddTo(new Verb("graph", "Workers, queues and broker as a graph in DOT", "belfry graph --broker redis://localhost:6379/0 | dot -Tsvg > cluster.svg"), some: false).Does(GraphAsync);

    static async Task<int> WorkersAsync(ParseResult line, CancellationToken cancel)
    {
        (JsonElement stats, IReadOnlyList<Worker> workers) = await LookAsync(line, cancel);
        if (line.GetValue(Json))
        {
            Answers.Print(new
            {
                source = stats.GetProperty("source").GetString(),
                workers = workers.Select(worker => new
                {
                    worker = worker.Name, state = worker.State, pid = worker.Stats.Pid, pool = worker.Pool, slots = worker.Stats.Slots, queues = worker.Queues, prefetch = worker.Stats.Prefetch,
                    begun = worker.Stats.Totals.Values.Sum(), uptime = worker.Stats.Uptime?.TotalSeconds, memory = worker.Stats.Memory, facts = worker.Stats.Facts,
                }),
            });
        }
        else
        {
            Answers.Print(
                ["WORKER", "STATE", "PID", "POOL", "QUEUES", "BEGUN", "UPTIME", "MEMORY"],
                [.. workers.Select(worker => new[]
                {
                    worker.Name, worker.State, $"{worker.Stats.Pid}", worker.Pool, string.Join(',', worker.Queues), worker.IsThere ? worker.Stats.Totals.Values.Sum().ToString("N0", CultureInfo.InvariantCulture) : "",
                    WorkerTables.Uptime(worker.Stats), WorkerTables.Memory(worker.Stats),
                })]);
        }
        return workers.Any(worker => worker.State is "online" or "busy") ? Exits.Done : Exits.Unreachable;
    }

    static async Task<int> BindingsAsync(ParseResult line, CancellationToken cancel)
    {
        JsonElement answer = await WorkerAsking.Of(line).BindingsAsync(cancel);
        if (answer.GetProperty("told_by").GetString() == "workers")
        {
            Console.Error.WriteLine("belfry: RabbitMQ tells bindings to its own tools only; these are what workers take from.");
        }
        if (line.GetValue(Json))
        {
            Answers.Print(answer);
        }
        else
        {
            Answers.Print(["EXCHANGE", "ROUTING KEY", "QUEUE"], [.. answer.GetProperty("items").EnumerateArray().Select(one => new[] { Answers.Text(one, "exchange"), Answers.Text(one, "routing_key"), Answers.Text(one, "queue") })]);
        }
        return answer.GetProperty("items").GetArrayLength() > 0 ? Exits.Done : Exits.No;
    }

    static async Task<int> GraphAsync(ParseResult line, CancellationToken cancel)
    {
        (JsonElement stats, IReadOnlyList<Worker> workers) = await LookAsync(line, cancel);
        if (workers.Count == 0)
        {
            return Exits.Unreachable;
        }
        Console.Out.Write(ClusterGraph.Draw(
            stats.GetProperty("source").GetString()!, workers.Select(worker => worker.Stats.Broker).FirstOrDefault(broker => broker is not null),
            workers.Select(worker => new DrawnWorker(worker.Name, worker.Pool, worker.Queues, worker.IsThere))));
        return workers.Any(worker => worker.IsThere) ? Exits.Done : Exits.Unreachable;
    }

    static async Task<(JsonElement Stats, IReadOnlyList<Worker> Workers)> LookAsync(ParseResult line, CancellationToken cancel)
    {
        WorkerAsking asking = WorkerAsking.Of(line);
        JsonElement stats = WorkerAsking.Remarked(await asking.AskAsync("stats", cancel)), queues = await asking.AskAsync("queues", cancel);
        JsonElement told = queues.GetProperty("replies");
        return (stats,
        [
            .. stats.GetProperty("replies").EnumerateObject().Select(reply => new Worker(reply.Name, "online", WorkerStats.Read(reply.Value), told.TryGetProperty(reply.Name, out JsonElement its) ? ClusterLook.QueuesOf(its) : [])),
            .. stats.GetProperty("silent").EnumerateArray().Select(worker => new Worker(Answers.Text(worker, "worker"), WorkerTables.SilentWord(Answers.Text(worker, "presence")), new WorkerStats(), [])),
        ]);
    }

    sealed record Worker(string Name, string State, WorkerStats Stats, IReadOnlyList<string> Queues)
    {
        public bool IsThere => State == "online";

        public string Pool => IsThere ? $"{(Stats.IsSolo ? "solo" : Stats.Pool)} {Stats.Slots}".Trim() : "";
    }
}
