using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Server.Sources;

namespace Belfry.Cli;

/// <summary><c>belfry call</c>: starts a task and prints the id of its run.</summary>
static class CallVerb
{
    // Below that a number is seconds from now; above, seconds since 1970.
    const double Soon = 1e8;

    static readonly Argument<string> Task = new("task") { Description = "The task's name" };
    static readonly Option<string?> Args = new("--args", "-a") { Description = "Its arguments in order: a JSON array", HelpName = "JSON" };
    static readonly Option<string?> Kwargs = new("--kwargs", "-k") { Description = "Its arguments by name: a JSON object", HelpName = "JSON" };
    static readonly Option<string?> Queue = new("--queue", "-Q") { Description = "The queue (default: Sources:N:DefaultQueue, celery)", HelpName = "Q" };
    static readonly Option<string?> Exchange = new("--exchange") { Description = "An exchange, instead of a queue: it goes to those that are bound to it", HelpName = "E" };
    static readonly Option<string?> RoutingKey = new("--routing-key") { Description = "The routing key for --exchange", HelpName = "K" };
    static readonly Option<double?> Countdown = new("--countdown") { Description = "Run it so many seconds from now", HelpName = "S" };
    static readonly Option<string?> Eta = new("--eta") { Description = "Run it at an instant: RFC 3339, or seconds from now", HelpName = "T" };
    static readonly Option<string?> Expires = new("--expires") { Description = "Do not run it after an instant: RFC 3339, or seconds from now", HelpName = "T" };
    static readonly Option<int?> Priority = new("--priority") { Description = "0 to 255: on Redis 0 is most urgent, on RabbitMQ 255", HelpName = "N" };
    static readonly Option<string[]> Header = new("--header") { Description = "A header for the task, NAME=TEXT (repeatable)", HelpName = "H" };
    static readonly Option<bool> Force = new("--force") { Description = "Call it even though no worker says that it knows the task" };
    static readonly Option<bool> Wait = new("--wait") { Description = "Wait until it has ended, and print its result as 'belfry result' does" };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "call", "Starts a task of a Celery cluster, or through a server of any application, and prints the id of its run",
        "belfry call shop.orders.import --args '[2026, 11]' --kwargs '{\"dry\": true}' --broker redis://localhost:6379/0",
        "belfry call shop.orders.import --countdown 60 --wait --server http://127.0.0.1:2355 --token T")
        { Task, Args, Kwargs, Queue, Exchange, RoutingKey, Countdown, Eta, Expires, Priority, Header, Force, Wait, ResultVerb.Timeout, ResultVerb.Traceback, Json, ServerClient.Server, ServerClient.Token }.OnCluster().Does(CallAsync);

    static async Task<int> CallAsync(ParseResult line, CancellationToken cancel)
    {
        TaskCall call = Read(line, Instant.Now(TimeProvider.System));
        using ServerClient? server = ServerClient.Of(line);
        if (server is null && line.GetValue(Common.Store) is not null)
        {
            throw new UsageException("a store is called by nobody: say --broker URL or --source NAME for a task of Celery, --server URL --token T for one of an application");
        }
        Cluster? cluster = server is null ? ClusterOptions.Find(line) : null;
        if (line.GetValue(Wait) && cluster is not null)
        {
            ResultVerb.BackendOf(cluster); // before anything is called
        }
        string id = server is null ? await SendAsync(cluster!, call, line.GetValue(Force), cancel)
            : (await server.PostAsync($"api/v1/tasks/{Uri.EscapeDataString(call.Task)}/call", Body(line, call), cancel)).GetProperty("id").GetString()!;
        if (line.GetValue(Wait))
        {
            Console.Error.WriteLine($"belfry: run {id}");
            return await ResultVerb.ShowAsync(line, id, wait: true, cluster, cancel);
        }
        if (line.GetValue(Json))
        {
            Answers.Print(new { id });
        }
        else
        {
            Console.Out.WriteLine(id);
        }
        return Exits.Done;
    }

    static TaskCall Read(ParseResult line, Instant now)
    {
        string args = line.GetValue(Args) ?? "[]", kwargs = line.GetValue(Kwargs) ?? "{}";
        Instant? eta = When(line, Eta, now), expires = When(line, Expires, now);
        double? countdown = line.GetValue(Countdown);
        string? problem = TaskCall.ProblemOf(args, byName: false) is { } inArgs ? $"--args {inArgs}"
            : TaskCall.ProblemOf(kwargs, byName: true) is { } inKwargs ? $"--kwargs {inKwargs}"
            : countdown is not (null or (>= 0 and <= 1e9)) ? "--countdown is seconds from now"
            : countdown is not null && eta is not null ? "--countdown and --eta say the same: use one of them"
            : expires <= now ? "--expires: that instant has passed"
            : line.GetValue(Exchange) is not null && line.GetValue(Queue) is not null ? "--queue and --exchange both say where it goes: use one of them"
            : line.GetValue(RoutingKey) is not null && line.GetValue(Exchange) is null ? "--routing-key needs --exchange"
            : line.GetValue(Priority) is < 0 or > 255 ? "--priority is from 0 to 255"
            : line.GetValue(Header)?.FirstOrDefault(header => header.IndexOf('=') < 1) is { } header ? $"--header is NAME=TEXT, not '{header}'"
            : TaskCall.ProblemOf((line.GetValue(Header) ?? []).Select(header => header.Split('=', 2)[0])) is { } taken ? $"--header: {taken}"
            : null;
        return problem is not null ? throw new UsageException(problem) : new TaskCall
        {
            Task = line.GetValue(Task)!, Args = args, Kwargs = kwargs, Queue = line.GetValue(Queue), Exchange = line.GetValue(Exchange), RoutingKey = line.GetValue(RoutingKey), Priority = line.GetValue(Priority),
            Eta = countdown is { } seconds ? now + TimeSpan.FromSeconds(seconds) : eta, Expires = expires,
            Headers = (line.GetValue(Header) ?? []).Select(header => header.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(pair => pair.Key, pair => pair.Last()[1]),
        };
    }

    static Instant? When(ParseResult line, Option<string?> option, Instant now)
    {
        if (line.GetValue(option) is not { } text)
        {
            return null;
        }
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && Math.Abs(seconds) < Soon ? now + TimeSpan.FromSeconds(seconds)
            : Instant.TryParse(text, out Instant at) ? at
            : throw new UsageException($"{option.Name} is an instant such as 2026-11-21T18:00:00+01:00, or seconds from now, not '{text}'");
    }

    static async Task<string> SendAsync(Cluster cluster, TaskCall call, bool force, CancellationToken cancel)
    {
        TaskCaller caller = cluster.Caller;
        Registration? said = force ? null : await ClusterOptions.ReachedAsync(() => caller.AskAsync(call.Task, [], cancel));
        if (said?.Refusal is { } refusal)
        {
            string sentence = $"{refusal} --force calls it nevertheless.";
            throw said.Workers == 0 ? new UnreachableException(sentence) : new DeclinedException(sentence);
        }
        await ClusterOptions.ReachedAsync(async () =>
        {
            await caller.CallAsync(call, cancel);
            return true;
        });
        return call.Id;
    }

    static Dictionary<string, object> Body(ParseResult line, TaskCall call)
    {
        var body = new Dictionary<string, object>();
        void Tell(string name, object? value)
        {
            if (value is not null)
            {
                body[name] = value;
            }
        }
        try
        {
            Tell("args", line.GetValue(Args) is null ? null : JsonNode.Parse(call.Args));
            Tell("kwargs", line.GetValue(Kwargs) is null ? null : JsonNode.Parse(call.Kwargs));
        }
        catch (JsonException)
        {
            throw new UsageException("NaN and Infinity go straight to a broker only, not through a server");
        }
        Tell("queue", call.Queue);
        Tell("exchange", call.Exchange);
        Tell("routing_key", call.RoutingKey);
        Tell("eta", call.Eta?.ToString());
        Tell("expires", call.Expires?.ToString());
        Tell("priority", call.Priority);
        Tell("headers", call.Headers.Count > 0 ? call.Headers : null);
        Tell("source", line.GetValue(ClusterOptions.Source));
        Tell("force", line.GetValue(Force) ? true : null);
        return body;
    }
}
