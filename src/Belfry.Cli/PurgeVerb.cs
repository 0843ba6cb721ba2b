using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Belfry.Celery.Queues;
using Belfry.Server;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;

namespace Belfry.Cli;

/// <summary><c>belfry purge queue</c>: counts first, asks, and only then takes messages out.</summary>
static class PurgeVerb
{
    static readonly Option<bool> All = new("--all") { Description = "Everything" };
    static readonly Option<string?> App = new("--app-name") { Description = "What belongs to this application", HelpName = "NAME" };
    static readonly Option<string?> Task = new("--task-name") { Description = "What belongs to this task", HelpName = "NAME" };
    static readonly Option<string?> Id = new("--task-id") { Description = "The run of this id", HelpName = "ID" };
    static readonly Option<bool> Yes = new("--yes") { Description = "Ask nothing" };
    static readonly Option<bool> Json = Common.Json();
    static readonly Option<string[]> Queues = new("--queue") { Description = "Only out of this queue; may be repeated (default: all of the cluster)", HelpName = "NAME" };

    /// <summary><c>belfry purge</c>.</summary>
    public static Verb Build()
    {
        var queue = new Verb(
            "queue", "Takes messages that wait out of the queues of a Celery cluster: all, or those of an application, a task, an id",
            "belfry purge queue --task-name shop.tasks.import --broker redis://127.0.0.1:6379/0", "belfry purge queue --all --yes --source shop --server http://127.0.0.1:2355 --token T")
        { Queues, ServerClient.Server, ServerClient.Token };
        return new Verb("purge", "Deletes messages, with a count first and a confirmation; exit 1 when there is nothing, or the answer is no", "belfry purge queue --all") { Choosing(queue.OnCluster()).Does(QueueAsync) };
    }

    /// <summary>With the options of which exactly one says what is to go.</summary>
    static Verb Choosing(Verb verb)
    {
        foreach (Option option in (Option[])[All, App, Task, Id, Yes, Json])
        {
            verb.Add(option);
        }
        verb.Validators.Add(line =>
        {
            if (((Option[])[All, App, Task, Id]).Count(option => line.GetResult(option) is not null) != 1)
            {
                line.AddError("Say what is to go: --all, --app-name NAME, --task-name NAME or --task-id ID.");
            }
        });
        return verb;
    }

    static MessageChoice Chosen(ParseResult line) => new(line.GetValue(App), line.GetValue(Task), line.GetValue(Id));

    static async Task<int> QueueAsync(ParseResult line, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line, patience: TimeSpan.FromMinutes(10));
        return server is not null ? await OverServerAsync(server, line, cancel) : await QueueVerbs.ReachAsync(() => AtBrokerAsync(line, cancel));
    }

    static async Task<int> AtBrokerAsync(ParseResult line, CancellationToken cancel)
    {
        Cluster cluster = ClusterOptions.Find(line);
        BelfrySettings settings = Common.Settings(line);
        Dictionary<string, string> apps = AppMapping.ByName(settings.Apps);
        MessageChoice choice = Chosen(line);
        if (!choice.IsAll && cluster.Queues.PeekWarning is { } warning)
        {
            await Console.Error.WriteLineAsync($"belfry: {warning} What is chosen is not taken out but revoked: workers drop it when they take it.");
        }
        string[] names = line.GetValue(Queues) is { Length: > 0 } named ? named : [.. (await QueueNames.AskAsync(cluster, [], [], cancel)).Names];
        var counts = new List<(string Source, string Queue, long Count)>();
        foreach (string queue in names)
        {
            counts.Add((cluster.Name, queue, await QueueOrders.CountAsync(cluster.Queues, queue, choice, apps, cancel)));
        }
        return await PurgeAsync(line, choice, counts, async (_, queue) => await QueueOrders.RemoveAsync(cluster, queue, choice, apps, cancel));
    }

    static async Task<int> OverServerAsync(ServerClient server, ParseResult line, CancellationToken cancel)
    {
        MessageChoice choice = Chosen(line);
        string? source = ClusterOptions.SourceOf(line);
        string filter = choice.Id is not null ? $"&id={Uri.EscapeDataString(choice.Id)}" : choice.Task is not null ? $"&task={Uri.EscapeDataString(choice.Task)}" : $"&app={Uri.EscapeDataString(choice.App ?? "")}";
        string[]? named = line.GetValue(Queues) is { Length: > 0 } some ? some : null;
        var counts = new List<(string Source, string Queue, long Count)>();
        foreach (JsonElement queue in (await server.GetAsync("api/v1/queues", cancel)).GetProperty("items").EnumerateArray().Where(queue => queue.TryGetProperty("priorities", out _)))
        {
            (string name, string of, long count) = (Answers.Text(queue, "queue"), Answers.Text(queue, "source"), queue.GetProperty("waiting").GetInt64());
            if ((named?.Contains(name) ?? true) && (source is null || source == of))
            {
                counts.Add((of, name, choice.IsAll || count == 0 ? count
                    : (await server.GetAsync($"api/v1/queues/{Uri.EscapeDataString(name)}/messages?limit=1&source={Uri.EscapeDataString(of)}{filter}", cancel)).GetProperty("found").GetInt64()));
            }
        }
        return await PurgeAsync(line, choice, counts, async (of, queue) =>
        {
            var body = new { source = of, all = choice.IsAll, app = choice.App, task = choice.Task, id = choice.Id };
            JsonElement answer = await server.PostAsync($"api/v1/queues/{Uri.EscapeDataString(queue)}/purge", body, cancel);
            return new QueueRemoval(answer.GetProperty("removed").GetInt64(), answer.GetProperty("revoked").GetInt64());
        });
    }

    static async Task<int> PurgeAsync(ParseResult line, MessageChoice choice, List<(string Source, string Queue, long Count)> counts, Func<string, string, Task<QueueRemoval>> remove)
    {
        counts.RemoveAll(queue => queue.Count == 0);
        if (counts.Count == 0)
        {
            throw new DeclinedException(choice.IsAll ? "there are no messages to purge" : $"there are no messages to purge ({choice})");
        }
        counts.ForEach(queue => Console.Error.WriteLine($"{queue.Count,12:N0} messages ({choice}) in {queue.Queue} of {queue.Source}"));
        if (!line.GetValue(Yes) && !Confirmation.Given($"Purge {counts.Sum(queue => queue.Count):N0} messages?"))
        {
            throw new DeclinedException("nothing was purged");
        }
        long removed = 0, revoked = 0;
        foreach ((string source, string queue, _) in counts)
        {
            QueueRemoval removal = await remove(source, queue);
            (removed, revoked) = (removed + removal.Removed, revoked + removal.Revoked);
        }
        if (line.GetValue(Json))
        {
            Answers.Print(new { removed, revoked });
        }
        else
        {
            Console.Out.WriteLine(revoked > 0 ? $"{revoked:N0} messages revoked" : $"{removed:N0} messages purged");
        }
        return Exits.Done;
    }
}
