using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Celery.Events;
using Belfry.Server;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;

namespace Belfry.Cli;

/// <summary>Asks workers of Celery as a line says: straight over their broker, or by a server that knows it.</summary>
sealed class WorkerAsking
{
    // Beside the time that workers get: the server opens the broker, and may look for those who are silent.
    static readonly TimeSpan ForTheServer = TimeSpan.FromSeconds(10);

    static readonly Option<string[]> Destination = new("--destination", "-d") { Description = "Only these workers (repeatable, or divided by commas)", HelpName = "WORKER" };
    static readonly Option<double?> Wait = new("--timeout", "-t") { Description = "How long to wait for answers (default: 1)", HelpName = "S" };

    readonly ParseResult _line;
    readonly TimeSpan _timeout;
    readonly string[] _workers;

    WorkerAsking(ParseResult line, TimeSpan timeout, string[] workers) => (_line, _timeout, _workers) = (line, timeout, workers);

    /// <summary>Gives a verb the options that say whom to ask.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="some">Some of the workers can be chosen.</param>
    public static Verb AddTo(Verb verb, bool some = true)
    {
        foreach (Option option in new Option?[] { some ? Destination : null, Wait, ServerClient.Server, ServerClient.Token }.OfType<Option>())
        {
            verb.Add(option);
        }
        return verb.OnCluster();
    }

    /// <summary>Reads these options.</summary>
    /// <exception cref="UsageException">They are wrong.</exception>
    public static WorkerAsking Of(ParseResult line) => new(
        line,
        line.GetValue(Wait) switch
        {
            null => RemoteControl.UsualTimeout,
            > 0 and <= 600 and var seconds => TimeSpan.FromSeconds(seconds),
            var other => throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--timeout is a number of seconds from 0 to 600, not {other}")),
        },
        [.. (line.GetValue(Destination) ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()]);

    /// <summary>Says on stderr who did not answer.</summary>
    public static JsonElement Remarked(JsonElement answer)
    {
        foreach (JsonElement remark in answer.GetProperty("remarks").EnumerateArray())
        {
            Console.Error.WriteLine($"belfry: {remark.GetString()}");
        }
        return answer;
    }

    /// <summary>Asks them for something that takes nothing.</summary>
    public Task<JsonElement> AskAsync(string inspection, CancellationToken cancel) =>
        AskAsync(WorkerCommand.Find(WorkerCommand.Inspections, inspection)!, told: false, [], new Dictionary<string, IReadOnlyList<string>>(), cancel);

    /// <summary>Asks, or tells.</summary>
    public async Task<JsonElement> AskAsync(WorkerCommand command, bool told, JsonObject arguments, IReadOnlyDictionary<string, IReadOnlyList<string>> given, CancellationToken cancel)
    {
        using ServerClient? server = Server();
        return server is null
            ? await OverBrokerAsync(async (_, inspector, known) => Answers.Of((await inspector.AskAsync(command, arguments, _workers, _timeout, known, cancel)).WriteTo), cancel)
            : told ? await server.PostAsync($"api/v1/control/{command.Name}", Body(given), cancel)
            : await server.GetAsync($"api/v1/inspect/{command.Name}?{Query([.. given.SelectMany(field => field.Value.Select(text => (field.Key, text))), .. _workers.Select(worker => ("worker", worker)), ("timeout", Seconds)])}", cancel);
    }

    /// <summary>Asks for the bindings of the broker.</summary>
    public async Task<JsonElement> BindingsAsync(CancellationToken cancel)
    {
        using ServerClient? server = Server();
        return server is null
            ? await OverBrokerAsync(async (cluster, inspector, known) => Answers.Of((await ClusterBindings.ReadAsync(cluster, inspector, known, _timeout, TimeProvider.System, cancel)).WriteTo), cancel)
            : await server.GetAsync($"api/v1/bindings?{Query([])}", cancel);
    }

    string Seconds => _timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    ServerClient? Server() => ServerClient.Of(_line, _timeout + ForTheServer) is { } server
        ? ClusterOptions.BrokerOf(_line) is null ? server : throw new UsageException("--broker speaks to a cluster and --server asks a server to: use one of them")
        : null;

    async Task<JsonElement> OverBrokerAsync(Func<Cluster, Inspector, KnownWorkers, Task<JsonElement>> ask, CancellationToken cancel)
    {
        Cluster cluster = ClusterOptions.Find(_line);
        BelfrySettings settings = Common.Settings(_line);
        try
        {
            return await ask(cluster, new Inspector(cluster, new SecretMask(settings.Arguments.HiddenKeys)), await KnownAsync(cluster, settings, cancel));
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            throw new UnreachableException(problem.Message);
        }
    }

    Dictionary<string, object?> Body(IReadOnlyDictionary<string, IReadOnlyList<string>> given)
    {
        Dictionary<string, object?> body = given.Where(field => field.Value.Count > 0).ToDictionary(field => field.Key, field => (object?)field.Value);
        (body["source"], body["workers"], body["timeout"]) = (ClusterOptions.SourceOf(_line), _workers, _timeout.TotalSeconds);
        return body;
    }

    string Query(IEnumerable<(string Name, string Value)> parameters) =>
        string.Join('&', (ClusterOptions.SourceOf(_line) is { } source ? parameters.Append((Name: "source", Value: source)) : parameters).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value)}"));

    /// <summary>The workers of a cluster as the log knows them, where there is one. A broker on the line has no name there, and may be another than the one that is logged by the name it gets.</summary>
    async Task<KnownWorkers> KnownAsync(Cluster cluster, BelfrySettings settings, CancellationToken cancel)
    {
        try
        {
            using RunQueries log = await RunQueries.OpenAsync(StoreUrl.Parse(settings.Store), TimeProvider.System, cancel);
            SourceStatus[] sources = [.. (await log.SourcesAsync(cancel)).Where(source => source.Kind == EventStreams.KindOf(cluster.Celery.Broker.Kind)
                && (source.Name == cluster.Name || (ClusterOptions.BrokerOf(_line) is not null && source.Name.StartsWith(cluster.Name + "-", StringComparison.Ordinal))))];
            return sources is [{ } only] ? KnownWorkers.Of(await log.WorkersAsync(cancel), only.Name, Instant.Now(TimeProvider.System)) : KnownWorkers.None;
        }
        catch (StoreException)
        {
            return KnownWorkers.None;
        }
    }
}
