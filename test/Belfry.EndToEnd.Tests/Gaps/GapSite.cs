using System.Diagnostics;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>A broker, two workers, a load and a Belfry that watches: where a scenario is played.</summary>
sealed class GapSite : IAsyncDisposable
{
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    readonly GapScenario _scenario;
    readonly List<CeleryWorker> _workers = [], _gone = [];
    readonly CancellationTokenSource _ending = new();
    Task _watching = Task.CompletedTask;
    CeleryLoad? _load;
    int _marks;
    bool _everLost;
    (int Open, double Seconds) _settled = (int.MaxValue, 0), _lost = (int.MaxValue, 0);

    GapSite(GapScenario scenario, RedisServer redis, RabbitServer? rabbit, string url, TcpProxy wire)
    {
        (_scenario, Redis, Rabbit, Wire) = (scenario, redis, rabbit, wire);
        Cluster = CeleryCluster.StartOn(url, redis.Url, new Dictionary<string, string?> { ["LAB_TELL"] = "1", ["LAB_EXTENDED"] = scenario.Extended ? "1" : null });
    }

    /// <summary>How long a worker is silent before what it ran is lost.</summary>
    public static string LostAfter { get; } = Soak.Count("2s", "60s");

    /// <summary>Tasks a second.</summary>
    public static double Pace { get; } = Soak.Count(12, 8);

    /// <summary>The broker, or where the results are kept.</summary>
    public RedisServer Redis { get; }

    /// <summary>The broker, where it is one.</summary>
    public RabbitServer? Rabbit { get; }

    /// <summary>The wire between Belfry and the broker.</summary>
    public TcpProxy Wire { get; }

    /// <summary>The cluster.</summary>
    public CeleryCluster Cluster { get; }

    /// <summary>The server.</summary>
    public Watched Belfry { get; private set; } = null!;

    /// <summary>Runs that were sent one by one, with their tasks.</summary>
    public Dictionary<string, string> Sent { get; } = [];

    /// <summary>The worker that is killed, where one is.</summary>
    public CeleryWorker Last => _workers[^1];

    /// <summary>Seconds after the fault was over until what had ended by then was right.</summary>
    public double RightAfter => _settled.Seconds;

    /// <summary>Seconds after that until what was lost was Lost; null where nothing was.</summary>
    public double? LostSeconds => _everLost ? _lost.Seconds : null;

    /// <summary>Runs that were shown as lost while their worker lived.</summary>
    public HashSet<string> FalselyLost { get; } = [];

    /// <summary>Starts everything but the load.</summary>
    public static async Task<GapSite> StartAsync(GapScenario scenario, SharedRabbit shared)
    {
        RedisServer redis = await RedisServer.StartAsync(scenario.Redis);
        RabbitServer? rabbit = !scenario.OnRabbit ? null : IsOwn(scenario) ? await RabbitServer.StartAsync() : await shared.ServerAsync();
        string? virtualHost = rabbit?.NewVirtualHost();
        TcpProxy wire = TcpProxy.Start(rabbit?.Port ?? redis.Port);
        var site = new GapSite(scenario, redis, rabbit, rabbit?.UrlOf(virtualHost!) ?? redis.Url, wire);
        site.Belfry = await Watched.StartAsync(
            rabbit?.UrlOf(virtualHost!, port: wire.Port) ?? $"redis://127.0.0.1:{wire.Port}/0", results: rabbit is null ? null : redis.Url, lostAfter: LostAfter);
        await site.ListensAsync(1);
        await Task.WhenAll(Enumerable.Range(1, scenario.Pool == "solo" ? 1 : 2).Select(number => site.StartWorkerAsync($"w{number}@lab")));
        return site;
    }

    /// <summary>Lets the load run for so many seconds; it begins with the first call.</summary>
    public Task RunAsync(double seconds)
    {
        _load ??= CeleryLoad.Start(Cluster, Pace, whole: Soak.On && _scenario.Pool != "threads");
        return Task.Delay(TimeSpan.FromSeconds(seconds));
    }

    /// <summary>Waits until the server has begun to listen so many times since its start.</summary>
    public Task ListensAsync(int times) => Eventually.HoldsAsync(
        $"belfry listens for the {times}. time", () => Belfry.Server.Process.Errors.Split("Listening to").Length > times, TimeSpan.FromMinutes(1));

    /// <summary>How often the server has begun to listen since its start.</summary>
    public int Listened => Belfry.Server.Process.Errors.Split("Listening to").Length - 1;

    /// <summary>Kills the server at once.</summary>
    public async Task LeaveAsync()
    {
        Belfry.Server.Process.Signal(9);
        await Belfry.Server.Process.ExitAsync();
    }

    /// <summary>Starts it again; the fault is over.</summary>
    public async Task ReturnAsync()
    {
        await Belfry.StartAgainAsync();
        await ListensAsync(1);
        Mark();
    }

    /// <summary>Kills the last worker at once.</summary>
    public async Task KillWorkerAsync()
    {
        await Last.KillAsync();
        _gone.Add(Last);
    }

    /// <summary>Lets the last worker end what it runs and stop.</summary>
    public async Task StopWorkerAsync()
    {
        Last.Signal(15);
        await Last.ExitAsync(TimeSpan.FromMinutes(1));
        _gone.Add(Last);
    }

    /// <summary>Holds the log locked until it is disposed: what is heard waits in memory.</summary>
    public async Task<IAsyncDisposable> LockLogAsync()
    {
        ChildProcess holder = ChildProcess.Start(Machine.Python, ["-c", """
            import sqlite3, sys, time
            log = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
            log.execute('BEGIN IMMEDIATE')
            print('held', flush=True)
            time.sleep(120)
            """, Belfry.Folder.File("log.db")]);
        await holder.LineAsync(line => line == "held");
        return holder;
    }

    /// <summary>From here on the time counts in which what has ended by now becomes right: the fault is over, or has just begun.</summary>
    /// <param name="since">It was over before; null for now.</param>
    public void Mark(long? since = null)
    {
        WorkerTruth truth = Truth();
        Dictionary<string, TrueRun> ended = AllSent().ToDictionary(run => run.Key, run => truth.Of(run.Key, run.Value)).Where(run => run.Value.IsFinal).ToDictionary();
        (_settled, _lost) = ((int.MaxValue, 0), (int.MaxValue, 0));
        _watching = Task.WhenAll(_watching, WatchAsync(ended, since ?? Stopwatch.GetTimestamp(), ++_marks));
    }

    /// <summary>Ends the load, waits until nothing is wrong any more or does not become better, and tells how it stands.</summary>
    public async Task<GapFigures> FinishAsync(TimeSpan limit)
    {
        await (_load?.StopAsync() ?? Task.CompletedTask);
        long begin = Stopwatch.GetTimestamp();
        GapFigures figures;
        do
        {
            await Task.Delay(Glance);
            Dictionary<string, LoggedRun> rows = await RowsAsync();
            WorkerTruth truth = Truth();
            figures = GapFigures.Of(AllSent(), truth, rows, await VanishedAsync(truth, rows), _scenario);
        }
        while ((figures.Wrong.Count > 0 || IsAtWork()) && Stopwatch.GetElapsedTime(begin) < limit);
        await _ending.CancelAsync();
        await _watching;
        return figures;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _watching;
        await (_load?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Belfry.DisposeAsync();
        await Cluster.DisposeAsync();
        await Wire.DisposeAsync();
        await (IsOwn(_scenario) && Rabbit is not null ? Rabbit.DisposeAsync() : ValueTask.CompletedTask);
        await Redis.DisposeAsync();
        _ending.Dispose();
    }

    static bool IsOwn(GapScenario scenario) => scenario.Restarts || scenario.OwnBroker;

    async Task StartWorkerAsync(string name)
    {
        var options = new CeleryWorkerOptions { Name = name, Queues = "celery,second", Pool = _scenario.Pool, Concurrency = _scenario.Pool == "solo" ? 1 : 4 };
        CeleryWorker worker = await Cluster.StartWorkerAsync(options);
        lock (_workers)
        {
            _workers.Add(worker);
        }
    }

    Dictionary<string, string> AllSent() => (_load?.Sent ?? new Dictionary<string, string>()).Concat(Sent).ToDictionary();

    WorkerTruth Truth() => new(_workers, _gone, lateAcks: _scenario.Pool == "solo", givesBack: _scenario.OnRabbit);

    /// <summary>Runs that Redis has no more: of those that have ended in the log and that no worker knows, and of those that the log does not know and no living worker.</summary>
    async Task<HashSet<string>> VanishedAsync(WorkerTruth truth, Dictionary<string, LoggedRun> rows)
    {
        const string script = """
            for _, key in ipairs({'celery', 'second'}) do
              for _, message in ipairs(redis.call('LRANGE', key, 0, -1)) do if string.find(message, ARGV[1], 1, true) then return 1 end end
            end
            for _, message in ipairs(redis.call('HVALS', 'unacked')) do if string.find(message, ARGV[1], 1, true) then return 1 end end
            return redis.call('EXISTS', 'celery-task-meta-' .. ARGV[1])
            """;
        var vanished = new HashSet<string>();
        Dictionary<string, string> sent = AllSent();
        IEnumerable<string> doubtful = sent.Keys.Except(truth.Runs).Where(id => rows.GetValueOrDefault(id)?.State is "Lost" or "Cancelled")
            .Concat(truth.Runs.Where(id => !rows.ContainsKey(id) && truth.Of(id, sent.GetValueOrDefault(id, "")).State == "Pending"));
        foreach (string id in _scenario.OnRabbit ? [] : doubtful)
        {
            if (await Redis.AskAsync("EVAL", script, "0", id) == "0")
            {
                vanished.Add(id);
            }
        }
        return vanished;
    }

    bool IsAtWork()
    {
        WorkerTruth truth = Truth();
        return !_scenario.Restarts && AllSent().Any(run => truth.Of(run.Key, run.Value).State is "Running" or "Queued");
    }

    async Task WatchAsync(Dictionary<string, TrueRun> ended, long since, int mark)
    {
        Dictionary<string, string> tasks = AllSent();
        while (!_ending.IsCancellationRequested)
        {
            Dictionary<string, LoggedRun> rows = await RowsAsync();
            if (mark != _marks)
            {
                return; // another has begun to count
            }
            double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
            ILookup<bool, KeyValuePair<string, TrueRun>> open = ended.Where(run => !GapFigures.IsSettled(tasks[run.Key], run.Value, rows.GetValueOrDefault(run.Key), _scenario)).ToLookup(run => run.Value.State == "Lost");
            _settled = open[false].Count() is var others && others < _settled.Open ? (others, seconds) : _settled;
            _lost = open[true].Count() is var lost && lost < _lost.Open ? (lost, seconds) : _lost;
            _everLost |= lost > 0;
            FalselyLost.UnionWith(rows.Values.Where(row => row.State == "Lost" && row.Text("reason") == "worker gone").Select(row => row.Id));
            await Task.Delay(Glance, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task<Dictionary<string, LoggedRun>> RowsAsync()
    {
        var rows = new Dictionary<string, LoggedRun>();
        string? cursor = null;
        do
        {
            JsonNode page = await Belfry.Log.GetAsync($"/api/v1/runs?limit=1000{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}");
            foreach (LoggedRun run in page["items"]!.AsArray().Select(item => new LoggedRun(item!)))
            {
                rows[run.Id] = rows.TryGetValue(run.Id, out LoggedRun? other) && other.Attempt > run.Attempt ? other : run;
            }
            cursor = page["next"]?.GetValue<string>();
        }
        while (cursor is not null);
        return rows;
    }
}
