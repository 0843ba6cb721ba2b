using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Belfry.Celery.Queues;
using Belfry.Server;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Cli;

/// <summary><c>belfry purge queue</c> and <c>belfry purge logs</c>: count first, ask, and only then messages or runs go.</summary>
static class PurgeVerb
{
    static readonly Option<bool> All = new("--all") { Description = "Everything" };
    static readonly Option<string?> App = new("--app-name") { Description = "What belongs to this application", HelpName = "NAME" };
    static readonly Option<string?> Task = new("--task-name") { Description = "What belongs to this task", HelpName = "NAME" };
    static readonly Option<string?> Id = new("--task-id") { Description = "The run of this id", HelpName = "ID" };
    static readonly Option<string?> Source = new("--source") { Description = "Only runs of this source", HelpName = "NAME" };
    static readonly Option<bool> Yes = new("--yes") { Description = "Ask nothing" };
    static readonly Option<bool> Json = Common.Json();
    static readonly Option<string[]> Queues = new("--queue", "-Q") { Description = "Only out of this queue; may be repeated (default: all of the cluster)", HelpName = "NAME" };
    static readonly Option<string[]> Others = new("--exclude-queue", "-X") { Description = "Not out of this queue; may be repeated", HelpName = "NAME" };

    /// <summary><c>belfry purge</c>.</summary>
    public static Verb Build()
    {
        var queue = new Verb(
            "queue", "Takes messages that wait out of the queues of a Celery cluster: all, or those of an application, a task, an id",
            "belfry purge queue --task-name shop.tasks.import --broker redis://127.0.0.1:6379/0", "belfry purge queue --all --exclude-queue mail --yes --source shop --server http://127.0.0.1:2355 --token T")
        { Queues, Others, ServerClient.Server, ServerClient.Token };
        var logs = new Verb(
            "logs", "Deletes ended runs from the log, and lowers the figures by them: all, or those of an application, a task, an id",
            "belfry purge logs --task-name shop.tasks.import --store sqlite:///var/lib/belfry/log.db", "belfry purge logs --task-id 7 --yes --server http://127.0.0.1:2355 --token T")
        { Source, ServerClient.Server, ServerClient.Token };
        return new Verb("purge", "Deletes messages or runs, with a count first and a confirmation; exit 1 when there is nothing, or the answer is no", "belfry purge queue --all", "belfry purge logs --task-id 7")
        {
            Choosing(queue.OnCluster()).Does(QueueAsync), Choosing(logs).Does(LogsAsync),
        };
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

    static bool IsWanted(ParseResult line, string queue) => (line.GetValue(Queues) is not { Length: > 0 } named || named.Contains(queue)) && line.GetValue(Others)?.Contains(queue) != true;

    static MessageChoice Chosen(ParseResult line) => new(line.GetValue(App), line.GetValue(Task), line.GetValue(Id));

    static async Task<int> QueueAsync(ParseResult line, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line, patience: TimeSpan.FromMinutes(10));
        return server is not null ? await OverServerAsync(server, line, cancel) : await QueueVerbs.ReachAsync(() => AtBrokerAsync(line, cancel));
    }

    static async Task<int> LogsAsync(ParseResult line, CancellationToken cancel)
    {
        var choice = new RunChoice(line.GetValue(App), line.GetValue(Task), line.GetValue(Id), line.GetValue(Source));
        using ServerClient? server = ServerClient.Of(line, patience: TimeSpan.FromMinutes(10));
        if (server is not null)
        {
            async Task<long> AskAsync(bool dryRun, string answer) => (await server.PostAsync(
                "api/v1/runs/purge", new { all = line.GetValue(All), app = choice.App, task = choice.Task, id = choice.Id, source = choice.Source, dry_run = dryRun }, cancel)).GetProperty(answer).GetInt64();
            return await PurgeLogsAsync(line, choice, () => AskAsync(true, "runs"), () => AskAsync(false, "deleted"), cancel);
        }
        BelfrySettings settings = Common.Settings(line);
        var url = StoreUrl.Parse(settings.Store);
        return await PurgeLogsAsync(
            line,
            choice,
            async () =>
            {
                using RunQueries log = await RunQueries.OpenAsync(url, TimeProvider.System, cancel);
                return await choice.CountAsync(log, cancel);
            },
            async () =>
            {
                long deleted;
                await using (RunLog log = await RunLog.OpenAsync(url, new RunLogOptions { Retention = settings.Retention.ToPolicy() }, TimeProvider.System, NullLoggerFactory.Instance, cancel))
                {
                    deleted = await log.DeleteAsync(choice, cancel);
                }
                var entry = new AuditEntry(Instant.Now(TimeProvider.System), Actor.Command, "run.purge", $"{choice}", $"{deleted} deleted");
                await StoredAccess.ChangeAsync(line, async access => { await access.WriteAsync([entry], new Dictionary<string, Instant>(), cancel); return true; }, cancel);
                return deleted;
            },
            cancel);
    }

    static async Task<int> PurgeLogsAsync(ParseResult line, RunChoice choice, Func<Task<long>> count, Func<Task<long>> delete, CancellationToken cancel)
    {
        long runs = await count();
        if (runs == 0)
        {
            throw new DeclinedException($"there are no ended runs to purge ({choice})");
        }
        await Console.Error.WriteLineAsync($"{runs,12:N0} ended runs ({choice})");
        if (!line.GetValue(Yes) && !await Confirmation.GivenAsync($"Delete {runs:N0} runs?", cancel))
        {
            throw new DeclinedException("nothing was deleted");
        }
        long deleted = await delete();
        if (line.GetValue(Json))
        {
            Answers.Print(new { deleted });
        }
        else
        {
            Console.Out.WriteLine($"{deleted:N0} runs deleted");
        }
        return Exits.Done;
    }

    static async Task<int> AtBrokerAsync(ParseResult line, CancellationToken cancel)
    {
        Cluster cluster = ClusterOptions.Find(line);
        BelfrySettings settings = Common.Settings(line);
        Dictionary<string, string> apps = AppMapping.ByName(settings.Apps);
        MessageChoice choice = Chosen(line);
        if (!choice.IsAll && cluster.Queues.PeekWarning is { } warning)
        {
            WarnOf(warning);
        }
        string[] all = line.GetValue(Queues) is { Length: > 0 } named ? named : [.. (await QueueNames.AskAsync(cluster, [], [], cancel)).Names], names = [.. all.Where(queue => IsWanted(line, queue))];
        var counts = new List<(string Source, string Queue, long Count)>();
        foreach (string queue in names)
        {
            counts.Add((cluster.Name, queue, await QueueOrders.CountAsync(cluster.Queues, queue, choice, apps, cancel)));
        }
        return await PurgeAsync(line, choice, counts, async (_, queue) => await QueueOrders.RemoveAsync(cluster, queue, choice, apps, cancel), cancel);
    }

    static async Task<int> OverServerAsync(ServerClient server, ParseResult line, CancellationToken cancel)
    {
        MessageChoice choice = Chosen(line);
        string? source = ClusterOptions.SourceOf(line);
        string filter = choice.Id is not null ? $"&id={Uri.EscapeDataString(choice.Id)}" : choice.Task is not null ? $"&task={Uri.EscapeDataString(choice.Task)}" : $"&app={Uri.EscapeDataString(choice.App ?? "")}";
        var warned = new HashSet<string>();
        var counts = new List<(string Source, string Queue, long Count)>();
        foreach (JsonElement queue in (await server.GetAsync("api/v1/queues", cancel)).GetProperty("items").EnumerateArray().Where(queue => queue.TryGetProperty("priorities", out _)))
        {
            (string name, string of, long count) = (Answers.Text(queue, "queue"), Answers.Text(queue, "source"), queue.GetProperty("waiting").GetInt64());
            if (IsWanted(line, name) && (source is null || source == of))
            {
                if (!choice.IsAll && count > 0 && Answers.Text(queue, "warning") is { Length: > 0 } warning && warned.Add(of))
                {
                    WarnOf(warning);
                }
                counts.Add((of, name, choice.IsAll || count == 0 ? count
                    : (await server.GetAsync($"api/v1/queues/{Uri.EscapeDataString(name)}/messages?limit=1&source={Uri.EscapeDataString(of)}{filter}", cancel)).GetProperty("found").GetInt64()));
            }
        }
        return await PurgeAsync(line, choice, counts, async (of, queue) =>
        {
            var body = new { source = of, all = choice.IsAll, app = choice.App, task = choice.Task, id = choice.Id };
            JsonElement answer = await server.PostAsync($"api/v1/queues/{Uri.EscapeDataString(queue)}/purge", body, cancel);
            return new QueueRemoval(answer.GetProperty("removed").GetInt64(), answer.GetProperty("revoked").GetInt64());
        }, cancel);
    }

    static void WarnOf(string peeking) => Console.Error.WriteLine($"belfry: {peeking} What is chosen is not taken out but revoked: workers drop it when they take it.");

    static async Task<int> PurgeAsync(ParseResult line, MessageChoice choice, List<(string Source, string Queue, long Count)> counts, Func<string, string, Task<QueueRemoval>> remove, CancellationToken cancel)
    {
        string looked = string.Join(", ", counts.Select(queue => queue.Queue).Distinct());
        counts.RemoveAll(queue => queue.Count == 0);
        if (counts.Count == 0)
        {
            throw new DeclinedException(looked.Length > 0 ? $"there are no messages to purge ({choice}) in {looked}" : "there are no messages to purge: no queue that is known is meant");
        }
        counts.ForEach(queue => Console.Error.WriteLine($"{queue.Count,12:N0} messages ({choice}) in {queue.Queue} of {queue.Source}"));
        if (!line.GetValue(Yes) && !await Confirmation.GivenAsync($"Purge {counts.Sum(queue => queue.Count):N0} messages?", cancel))
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
