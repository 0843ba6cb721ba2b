using System.CommandLine;
using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Queues;
using Belfry.Server;
using Belfry.Server.Api;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;

namespace Belfry.Cli;

/// <summary><c>belfry queue move</c> and <c>belfry inspect queue</c>: the queues of a Celery cluster, or those that a server watches.</summary>
static class QueueVerbs
{
    static readonly Argument<string> From = new("FROM") { Description = "The queue that has the messages" };
    static readonly Argument<string> To = new("TO") { Description = "The queue that gets them" };
    static readonly Option<string?> ToBroker = new("--to-broker") { Description = "Into the queue of another broker", HelpName = "URL" };
    static readonly Option<string?> ToSource = new("--to-source") { Description = "Into the queue of another cluster of the settings, or of the server", HelpName = "NAME" };
    static readonly Option<string[]> Queues = new("--queue") { Description = "Only this queue; may be repeated (default: all)", HelpName = "NAME" };
    static readonly Option<bool> Peek = new("--peek") { Description = "Also where looking into a queue changes it: on RabbitMQ messages are marked as redelivered and may change places" };
    static readonly Option<bool> Yes = new("--yes") { Description = "Ask nothing" };
    static readonly Option<bool> Json = Common.Json();

    /// <summary><c>belfry queue</c>.</summary>
    public static Verb Build() => new Verb("queue", "Queues of a Celery cluster", "belfry queue move celery slow --broker redis://127.0.0.1:6379/0")
    {
        new Verb(
            "move", "Moves all messages that wait in a queue to another one, of the same broker or of another, oldest first; each is acknowledged after it is published",
            "belfry queue move celery slow --broker redis://127.0.0.1:6379/0",
            "belfry queue move celery celery --broker redis://old:6379/0 --to-broker redis://new:6379/0",
            "belfry queue move celery slow --source shop --server http://127.0.0.1:2355 --token T")
        { From, To, ToBroker, ToSource, Json, ServerClient.Server, ServerClient.Token }.OnCluster().Does(MoveAsync),
    };

    /// <summary><c>belfry inspect queue</c>.</summary>
    public static Verb BuildInspect() => new Verb(
        "queue", "How many messages wait in each queue of a Celery cluster, by priority, and how many are of which application and task",
        "belfry inspect queue --broker redis://127.0.0.1:6379/0", "belfry inspect queue --server http://127.0.0.1:2355 --token T --json")
    { Queues, Peek, Yes, Json, ServerClient.Server, ServerClient.Token }.OnCluster().Does(InspectAsync);

    static async Task<int> MoveAsync(ParseResult line, CancellationToken cancel)
    {
        (string from, string to) = (line.GetValue(From)!, line.GetValue(To)!);
        using ServerClient? server = ServerClient.Of(line, patience: TimeSpan.FromMinutes(10));
        long moved = server is not null ? await MoveAsync(server, line, from, to, cancel) : await ReachAsync(() => MoveAsync(line, from, to, cancel));
        if (line.GetValue(Json))
        {
            Answers.Print(new { moved });
        }
        else
        {
            Console.Out.WriteLine($"{moved:N0} messages moved from {from} to {to}");
        }
        if (moved == 0)
        {
            Console.Error.WriteLine($"belfry: nothing waits in {from}, or there is no such queue");
        }
        return moved > 0 ? Exits.Done : Exits.No;
    }

    static async Task<long> MoveAsync(ServerClient server, ParseResult line, string from, string to, CancellationToken cancel)
    {
        JsonElement answer = await server.PostAsync(
            $"api/v1/queues/{Uri.EscapeDataString(from)}/move", new { source = ClusterOptions.SourceOf(line), to, to_source = line.GetValue(ToSource) }, cancel);
        return answer.GetProperty("moved").GetInt64();
    }

    static async Task<long> MoveAsync(ParseResult line, string from, string to, CancellationToken cancel)
    {
        Cluster here = ClusterOptions.Find(line);
        Cluster there = line.GetValue(ToBroker) is { } broker ? ClusterOptions.At(broker, "--to-broker")
            : line.GetValue(ToSource) is { } source ? ClusterOptions.Called(line, source, "--to-source")
            : here;
        if (here.Celery.Broker.ToString() == there.Celery.Broker.ToString() && here.Celery.KeyPrefix == there.Celery.KeyPrefix && from == to)
        {
            throw new UsageException("FROM and TO are the same queue");
        }
        return await QueueMove.RunAsync(here.Queues, from, there.Queues, to, null, cancel);
    }

    static async Task<int> InspectAsync(ParseResult line, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line);
        IReadOnlyList<JsonElement> queues = server is not null ? await AskAsync(server, line, cancel) : await ReachAsync(() => ReadAsync(line, cancel));
        if (line.GetValue(Json))
        {
            Answers.Print(queues);
        }
        else
        {
            QueueReport.Print(queues);
        }
        if (queues.Count == 0)
        {
            Console.Error.WriteLine(line.GetValue(Queues) is { Length: > 0 } wanted ? $"belfry: there is no queue {string.Join(", ", wanted)}" : "belfry: no queue is known");
        }
        return queues.Count > 0 ? Exits.Done : Exits.No;
    }

    /// <summary>Each queue, with the counts of what waits in it.</summary>
    static async Task<IReadOnlyList<JsonElement>> AskAsync(ServerClient server, ParseResult line, CancellationToken cancel)
    {
        JsonElement all = await server.GetAsync("api/v1/queues", cancel);
        foreach (JsonElement problem in all.GetProperty("problems").EnumerateArray())
        {
            await Console.Error.WriteLineAsync($"belfry: {Answers.Text(problem, "source")}: {Answers.Text(problem, "problem")}");
        }
        string? source = ClusterOptions.SourceOf(line);
        string? unseen = null;
        var queues = new List<JsonElement>();
        foreach (JsonElement queue in all.GetProperty("items").EnumerateArray().Where(queue => queue.TryGetProperty("priorities", out _) && (source is null || Answers.Text(queue, "source") == source)))
        {
            (string name, string of) = (Answers.Text(queue, "queue"), Answers.Text(queue, "source"));
            if (IsWanted(line, name))
            {
                bool changes = Answers.Text(queue, "warning").Length > 0 && !line.GetValue(Peek), waits = queue.GetProperty("waiting").GetInt64() > 0;
                unseen ??= changes && waits ? Answers.Text(queue, "warning") : null;
                JsonElement? messages = changes || !waits ? null
                    : await server.GetAsync($"api/v1/queues/{Uri.EscapeDataString(name)}/messages?limit=1&source={Uri.EscapeDataString(of)}", cancel);
                queues.Add(QueueReport.With(queue, messages));
            }
        }
        WarnOf(unseen);
        return queues;
    }

    static async Task<IReadOnlyList<JsonElement>> ReadAsync(ParseResult line, CancellationToken cancel)
    {
        Cluster cluster = ClusterOptions.Find(line);
        BelfrySettings settings = Common.Settings(line);
        IReadOnlyDictionary<string, string> apps = AppMapping.ByName(settings.Apps);
        QueueNames names = await QueueNames.AskAsync(cluster, line.GetValue(Queues) ?? [], [], cancel);
        IReadOnlyList<QueueStanding> standings = await cluster.Queues.ReadAsync([.. names.Names.Where(name => IsWanted(line, name))], cancel);
        bool looks = await LooksAsync(line, cluster, standings.Sum(queue => queue.Length ?? 0), settings.Queues.Limit, cancel);
        var queues = new List<JsonElement>();
        foreach (QueueStanding queue in standings.Where(queue => queue.Length is not null))
        {
            JsonElement row = Answers.Of(json => QueueJson.Write(json, cluster, new QueueRow(queue, queue.Consumers ?? names.ConsumersOf(queue.Name, [.. names.Workers.Keys]), null)));
            queues.Add(QueueReport.With(row, queue.Length > 0 && looks ? await QueueReport.CountAsync(cluster, queue.Name, apps, cancel) : null));
        }
        return queues;
    }

    /// <summary>Looking into very long queues takes a while, and into those of RabbitMQ changes them.</summary>
    static async Task<bool> LooksAsync(ParseResult line, Cluster cluster, long waiting, int limit, CancellationToken cancel)
    {
        if (cluster.Queues.PeekWarning is { } warning && !line.GetValue(Peek))
        {
            WarnOf(warning);
            return false;
        }
        return waiting <= limit || line.GetValue(Yes) || await Confirmation.GivenAsync($"{waiting:N0} messages wait. Count them by application and task?", cancel);
    }

    static void WarnOf(string? peeking)
    {
        if (peeking is not null)
        {
            Console.Error.WriteLine($"belfry: only lengths are shown: {peeking} --peek looks all the same.");
        }
    }

    static bool IsWanted(ParseResult line, string queue) => line.GetValue(Queues) is not { Length: > 0 } wanted || wanted.Contains(queue);

    /// <summary>A broker that cannot be reached is nobody's "no".</summary>
    public static async Task<T> ReachAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            throw new UnreachableException(problem.Message);
        }
    }
}
