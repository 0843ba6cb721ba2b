using System.Text.Json;
using System.Text.Json.Nodes;

namespace Belfry.Testing;

/// <summary>A Celery cluster of Debian's packages: a redis-server of its own or a shared rabbitmq-server, workers, and a client that sends tasks. Its tasks are in <c>celery/app.py</c>.</summary>
public sealed class CeleryCluster : IAsyncDisposable
{
    readonly List<CeleryWorker> _workers = [];
    readonly ChildProcess _client;
    readonly SemaphoreSlim _oneQuestion = new(1);
    readonly RedisServer? _redis;
    int _answers;

    CeleryCluster(RedisServer? redis, Dictionary<string, string?> environment)
    {
        _redis = redis;
        Environment = environment;
        _client = ChildProcess.Start(Machine.Python, ["client.py"], Folder, environment);
    }

    /// <summary>Its broker, where that is Redis.</summary>
    public RedisServer Redis => _redis ?? throw new InvalidOperationException("this cluster's broker is RabbitMQ");

    /// <summary>Where the app lies.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "celery");

    internal Dictionary<string, string?> Environment { get; }

    /// <summary>Starts a broker and a client; workers are started one by one.</summary>
    /// <param name="prefix">A <c>global_keyprefix</c>, or null.</param>
    /// <param name="database">The number of Redis' database.</param>
    /// <param name="results">Which results its tasks leave there.</param>
    public static async Task<CeleryCluster> StartAsync(string? prefix = null, int database = 0, CeleryResults results = CeleryResults.None)
    {
        RedisServer redis = await RedisServer.StartAsync();
        Dictionary<string, string?> environment = Python($"redis://127.0.0.1:{redis.Port}/{database}");
        if (prefix is not null)
        {
            environment["LAB_PREFIX"] = prefix;
        }
        if (results != CeleryResults.None)
        {
            environment["LAB_RESULTS"] = environment["LAB_BROKER"];
        }
        if (results == CeleryResults.Extended)
        {
            environment["LAB_EXTENDED"] = "1";
        }
        return new CeleryCluster(redis, environment);
    }

    /// <summary>Starts a client on a virtual host of a rabbitmq-server, which is left as it is at the end; workers are started one by one.</summary>
    /// <param name="url">The virtual host: <see cref="RabbitServer.NewUrl"/>, or whatever else kombu takes.</param>
    /// <param name="results">Where results are kept: <c>rpc://</c> …; nowhere when null.</param>
    /// <param name="more">Variables that the app reads.</param>
    public static CeleryCluster StartOn(string url, string? results = null, IReadOnlyDictionary<string, string?>? more = null)
    {
        Dictionary<string, string?> environment = Python(url);
        if (results is not null)
        {
            (environment["LAB_RESULTS"], environment["LAB_EXTENDED"]) = (results, "1");
        }
        foreach ((string name, string? value) in more ?? new Dictionary<string, string?>())
        {
            environment[name] = value;
        }
        return new CeleryCluster(null, environment);
    }

    /// <summary>The broker's URL with the database in use.</summary>
    public string Url => Environment["LAB_BROKER"]!;

    /// <summary>Where its results are kept.</summary>
    public string ResultsUrl => Environment["LAB_RESULTS"]!;

    /// <summary>Starts a worker and waits until it is ready.</summary>
    public async Task<CeleryWorker> StartWorkerAsync(CeleryWorkerOptions? options = null)
    {
        CeleryWorker worker = await CeleryWorker.StartAsync(this, options ?? new CeleryWorkerOptions());
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Sends a task and gives its id.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="args">Positional arguments.</param>
    /// <param name="options">Options of Celery's <c>send_task</c>: <c>queue</c>, <c>countdown</c>, <c>expires</c> …</param>
    public async Task<string> SendAsync(string task, object[]? args = null, object? options = null)
    {
        JsonNode answer = await AskAsync(new { @do = "send", task, args = args ?? [], options = options ?? new object() });
        return answer["id"]!.GetValue<string>();
    }

    /// <summary>What a Python expression is, with the app's tasks and Celery's canvas at hand.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression) => (await AskAsync(new { @do = "evaluate", expression }))["value"];

    /// <summary>Sends a task many times and gives the ids.</summary>
    public async Task<IReadOnlyList<string>> SendManyAsync(string task, object[] args, int count) =>
        [.. (await AskAsync(new { @do = "many", task, args, count }, TimeSpan.FromMinutes(2)))["ids"]!.AsArray().Select(id => id!.GetValue<string>())];

    /// <summary>Revokes a run; with <paramref name="terminate"/> also one that is at work.</summary>
    public Task RevokeAsync(string id, bool terminate = false) => AskAsync(new { @do = "revoke", id, terminate });

    /// <summary>Broadcasts a control command and gives the replies.</summary>
    public async Task<JsonNode> ControlAsync(string command, object? arguments = null) =>
        (await AskAsync(new { @do = command, arguments = arguments ?? new object() }))["replies"]!;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (CeleryWorker worker in _workers)
        {
            await worker.DisposeAsync();
        }
        await _client.DisposeAsync();
        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
        _oneQuestion.Dispose();
    }

    static Dictionary<string, string?> Python(string broker) => new()
    {
        ["LAB_BROKER"] = broker, ["PYTHONUNBUFFERED"] = "1", ["PYTHONDONTWRITEBYTECODE"] = "1",
    };

    async Task<JsonNode> AskAsync(object question, TimeSpan? limit = null)
    {
        await _oneQuestion.WaitAsync();
        try
        {
            await _client.TellAsync(JsonSerializer.Serialize(question));
            int wanted = _answers++;
            await Eventually.HoldsAsync("an answer of client.py", () => _client.HasExited || Lines() > wanted, limit);
            JsonNode? answer = Lines() > wanted ? JsonNode.Parse(_client.Output.Split('\n')[wanted]) : null;
            return answer is { } && answer["problem"] is null ? answer : throw new InvalidOperationException(_client.Story());
        }
        finally
        {
            _oneQuestion.Release();
        }
    }

    int Lines() => _client.Output.Count(character => character == '\n');
}

/// <summary>What the tasks of a cluster leave in a result backend.</summary>
public enum CeleryResults
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>State and result.</summary>
    Plain,

    /// <summary>Name, arguments, worker and attempt besides (<c>result_extended</c>).</summary>
    Extended,
}
