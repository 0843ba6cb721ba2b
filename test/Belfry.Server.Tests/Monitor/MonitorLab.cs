using System.Text.Json.Nodes;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Server.Tests.Monitor;

/// <summary>A log, a mail server, and the command between them.</summary>
sealed class MonitorLab : IAsyncDisposable
{
    readonly TempFolder _folder = new();
    readonly List<TaskEvent> _events = [];

    MonitorLab(SmtpSink sink) => Sink = sink;

    public SmtpSink Sink { get; }

    public string Store => $"sqlite://{_folder.File("log.db")}";

    public JsonObject Settings { get; } = [];

    public Instant Now { get; } = Instant.Now(TimeProvider.System);

    public static async Task<MonitorLab> StartAsync()
    {
        var lab = new MonitorLab(await SmtpSink.StartAsync());
        lab.Settings["Mail"] = new JsonObject { ["Host"] = "127.0.0.1", ["Port"] = lab.Sink.Port, ["From"] = "Belfry <bell@example.com>" };
        return lab;
    }

    /// <summary>A run that began and ended so long ago; null for an end that has not come.</summary>
    public MonitorLab Ran(string task, double minutesAgo, EventKind? end = EventKind.Succeeded, string? context = null, double minutes = 1)
    {
        string id = $"run-{_events.Count}";
        Instant begin = Now - TimeSpan.FromMinutes(minutesAgo);
        var started = new TaskEvent
        {
            Source = "lab", Id = id, Kind = EventKind.Started, At = begin, Task = task, Worker = "w1@lab",
            Context = context is null ? null : new RunContext("gap.models.IngestorSession", context, null),
        };
        _events.Add(started);
        if (end is { } kind)
        {
            _events.Add(started with { Kind = kind, At = begin + TimeSpan.FromMinutes(minutes), Exception = kind == EventKind.Failed ? "ReadTimeout(\"<b>slow</b>\")" : null });
        }
        return this;
    }

    public MonitorLab Submitted(string task, double minutesAgo)
    {
        _events.Add(new TaskEvent { Source = "lab", Id = $"run-{_events.Count}", Kind = EventKind.Submitted, At = Now - TimeSpan.FromMinutes(minutesAgo), Task = task });
        return this;
    }

    /// <summary>Writes the log, then calls <c>belfry monitor</c>.</summary>
    public async Task<Finished> MonitorAsync(params string[] arguments)
    {
        await (await OpenAsync()).DisposeAsync();
        return await MonitorWithoutLogAsync(arguments);
    }

    /// <summary>Opens the log as a server does, with all that ran so far in it.</summary>
    public async Task<RunLog> OpenAsync()
    {
        RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(Store), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        await AppendAsync(log);
        return log;
    }

    public Task AppendAsync(RunLog log) => log.AppendAsync(_events, CancellationToken.None);

    public async Task<Finished> MonitorWithoutLogAsync(params string[] arguments)
    {
        string settings = _folder.File("belfry.json");
        await File.WriteAllTextAsync(settings, Settings.ToJsonString());
        return await BelfryProcess.RunAsync(["monitor", .. arguments, "--store", Store, "--config", settings], _folder.Path);
    }

    public string Write(string name, string text)
    {
        File.WriteAllText(_folder.File(name), text);
        return _folder.File(name);
    }

    public static string Example2 => Path.Combine(AppContext.BaseDirectory, "data", "example-2.json");

    /// <summary>The lines of <c>--json</c> by task.</summary>
    public static IReadOnlyDictionary<string, JsonNode> Results(Finished finished) =>
        finished.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToDictionary(node => (string)node["task"]!);

    public async ValueTask DisposeAsync()
    {
        await Sink.DisposeAsync();
        _folder.Dispose();
    }
}
