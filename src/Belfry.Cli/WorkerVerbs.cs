using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;
using Belfry.Celery;
using Belfry.Server;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;

namespace Belfry.Cli;

/// <summary><c>belfry inspect ping …</c> and <c>belfry control …</c>: what workers of Celery tell, and what they are told; straight over the broker, or by a server.</summary>
static class WorkerVerbs
{
    // Beside the time that workers get: the server opens the broker, and may look for those who are silent.
    static readonly TimeSpan ForTheServer = TimeSpan.FromSeconds(10);

    static readonly Option<string[]> Destination = new("--destination", "-d") { Description = "Only these workers (repeatable, or divided by commas)", HelpName = "WORKER" };
    static readonly Option<double?> Wait = new("--timeout", "-t") { Description = "How long to wait for answers (default: 1)", HelpName = "S" };
    static readonly Option<bool> Json = Common.Json();

    /// <summary>What workers tell.</summary>
    public static IEnumerable<Verb> Inspections() => WorkerCommand.Inspections.Select(command => Build(command, "inspect"));

    /// <summary><c>belfry control</c>.</summary>
    public static Verb BuildControl()
    {
        var control = new Verb("control", "Tells workers of Celery what to do", "belfry control rate-limit app.tasks.mail 10/m --broker redis://localhost:6379/0", "belfry control shutdown --destination celery@web-1 --server https://belfry.example.org");
        foreach (WorkerCommand command in WorkerCommand.Controls)
        {
            control.Add(Build(command, "control"));
        }
        return control;
    }

    static Verb Build(WorkerCommand command, string group)
    {
        var verb = new Verb(command.Name, command.Description, $"belfry {group} {command.Name}{string.Concat(command.Fields.Where(field => field.Required).Select(field => $" {field.Name.ToUpperInvariant()}"))} --broker redis://localhost:6379/0");
        Dictionary<string, Func<ParseResult, IReadOnlyList<string>>> given = [];
        foreach (CommandField field in command.Fields)
        {
            given[field.Name] = Add(verb, field);
        }
        foreach (Option option in new Option[] { Destination, Wait, Json, ServerClient.Server, ServerClient.Token })
        {
            verb.Add(option);
        }
        return verb.OnCluster().Does((line, cancel) => RunAsync(command, group == "control", given.ToDictionary(field => field.Key, field => field.Value(line)), line, cancel));
    }

    /// <summary>What must be given stands by its place, the rest is an option.</summary>
    static Func<ParseResult, IReadOnlyList<string>> Add(Verb verb, CommandField field)
    {
        if (field.Kind == FieldKind.Flag)
        {
            var flag = new Option<bool>($"--{field.Name}") { Description = field.Description };
            verb.Add(flag);
            return line => line.GetValue(flag) ? ["true"] : [];
        }
        if (field.Kind == FieldKind.Texts)
        {
            var several = new Argument<string[]>(field.Name.ToUpperInvariant()) { Description = field.Description, Arity = field.Required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore };
            verb.Add(several);
            return line => line.GetValue(several) ?? [];
        }
        if (field.Required || field.Name == "n")
        {
            var one = new Argument<string?>(field.Name.ToUpperInvariant()) { Description = field.Description, Arity = field.Required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };
            verb.Add(one);
            return line => line.GetValue(one) is { } text ? [text] : [];
        }
        var option = new Option<string?>($"--{field.Name}") { Description = field.Description };
        verb.Add(option);
        return line => line.GetValue(option) is { } text ? [text] : [];
    }

    static async Task<int> RunAsync(WorkerCommand command, bool told, Dictionary<string, IReadOnlyList<string>> given, ParseResult line, CancellationToken cancel)
    {
        if (!CommandArguments.TryRead(command, given, out JsonObject arguments, out (string Field, string Problem)? mistake))
        {
            throw new UsageException(mistake!.Value.Problem);
        }
        TimeSpan timeout = line.GetValue(Wait) switch
        {
            null => RemoteControl.UsualTimeout,
            > 0 and <= 600 and var seconds => TimeSpan.FromSeconds(seconds),
            var other => throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--timeout is a number of seconds from 0 to 600, not {other}")),
        };
        string[] workers = [.. (line.GetValue(Destination) ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];
        JsonElement answer = await AskAsync(command, told, arguments, given, workers, timeout, line, cancel);
        foreach (JsonElement remark in answer.GetProperty("remarks").EnumerateArray())
        {
            Console.Error.WriteLine($"belfry: {remark.GetString()}");
        }
        if (line.GetValue(Json))
        {
            Answers.Print(answer);
        }
        else
        {
            WorkerTables.Print(command, told, answer);
        }
        return ExitOf(command, answer);
    }

    static Task<JsonElement> AskAsync(ServerClient server, WorkerCommand command, bool told, Dictionary<string, IReadOnlyList<string>> given, string[] workers, TimeSpan timeout, ParseResult line, CancellationToken cancel)
    {
        if (ClusterOptions.BrokerOf(line) is not null)
        {
            throw new UsageException("--broker speaks to a cluster and --server asks a server to: use one of them");
        }
        double seconds = timeout.TotalSeconds;
        string? source = ClusterOptions.SourceOf(line);
        if (told)
        {
            Dictionary<string, object?> body = given.Where(field => field.Value.Count > 0).ToDictionary(field => field.Key, field => (object?)field.Value);
            (body["source"], body["workers"], body["timeout"]) = (source, workers, seconds);
            return server.PostAsync($"api/v1/control/{command.Name}", body, cancel);
        }
        IEnumerable<(string Name, string Value)> parameters = [.. given.SelectMany(field => field.Value.Select(text => (field.Key, text))), .. workers.Select(worker => ("worker", worker)), ("timeout", seconds.ToString(CultureInfo.InvariantCulture))];
        parameters = source is null ? parameters : parameters.Append(("source", source));
        return server.GetAsync($"api/v1/inspect/{command.Name}?{string.Join('&', parameters.Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value)}"))}", cancel);
    }

    static async Task<JsonElement> AskAsync(WorkerCommand command, bool told, JsonObject arguments, Dictionary<string, IReadOnlyList<string>> given, string[] workers, TimeSpan timeout, ParseResult line, CancellationToken cancel)
    {
        using (ServerClient? server = ServerClient.Of(line, timeout + ForTheServer))
        {
            if (server is not null)
            {
                return await AskAsync(server, command, told, given, workers, timeout, line, cancel);
            }
        }
        Cluster cluster = ClusterOptions.Find(line);
        BelfrySettings settings = Common.Settings(line);
        var inspector = new Inspector(cluster, new SecretMask(settings.Arguments.HiddenKeys));
        try
        {
            Inspected said = await inspector.AskAsync(command, arguments, workers, timeout, await KnownAsync(cluster.Name, settings, cancel), cancel);
            return Answers.Of(said.WriteTo);
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            throw new UnreachableException(problem.Message);
        }
    }

    /// <summary>The workers of a cluster as the log knows them, where there is one.</summary>
    static async Task<KnownWorkers> KnownAsync(string source, BelfrySettings settings, CancellationToken cancel)
    {
        try
        {
            using RunQueries log = await RunQueries.OpenAsync(StoreUrl.Parse(settings.Store), TimeProvider.System, cancel);
            return KnownWorkers.Of(await log.WorkersAsync(cancel), source, Instant.Now(TimeProvider.System));
        }
        catch (StoreException)
        {
            return KnownWorkers.None;
        }
    }

    static int ExitOf(WorkerCommand command, JsonElement answer)
    {
        JsonElement[] replies = [.. answer.GetProperty("replies").EnumerateObject().Select(reply => reply.Value)];
        bool there = command.Method == "ping" && answer.GetProperty("silent").EnumerateArray().Any(worker => worker.GetProperty("presence").GetString() == "connected");
        return replies.Length == 0 && !there ? Exits.Unreachable
            : replies.Length > 0 && replies.All(WorkerStats.IsError) ? Exits.No
            : Exits.Done;
    }
}
