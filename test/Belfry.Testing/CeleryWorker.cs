namespace Belfry.Testing;

/// <summary>How a worker is started.</summary>
public sealed class CeleryWorkerOptions
{
    /// <summary>Its node name.</summary>
    public string Name { get; set; } = "w1@lab";

    /// <summary>Its queues.</summary>
    public string Queues { get; set; } = "celery";

    /// <summary><c>prefork</c>, <c>threads</c> or <c>solo</c>.</summary>
    public string Pool { get; set; } = "prefork";

    /// <summary>How many runs at once.</summary>
    public int Concurrency { get; set; } = 2;

    /// <summary>It sends events of its tasks (<c>-E</c>).</summary>
    public bool Events { get; set; } = true;

    /// <summary>It asks the others what they know before it listens to remote control, as workers do unless they are told not to; that takes a second.</summary>
    public bool Mingles { get; set; }

    /// <summary>Seconds between its heartbeats; Celery's 2 when null.</summary>
    public int? HeartbeatSeconds { get; set; }

    /// <summary>Further options of <c>celery worker</c>.</summary>
    public string[] More { get; set; } = [];
}

/// <summary>A worker of Debian's Celery.</summary>
public sealed class CeleryWorker : IAsyncDisposable
{
    readonly ChildProcess _process;

    CeleryWorker(string name, ChildProcess process) => (Name, _process) = (name, process);

    /// <summary>Its node name.</summary>
    public string Name { get; }

    /// <summary>Its log.</summary>
    public string Log => _process.Output + _process.Errors;

    /// <summary>Its process id.</summary>
    public int ProcessId => _process.Id;

    internal static async Task<CeleryWorker> StartAsync(CeleryCluster cluster, CeleryWorkerOptions options)
    {
        List<string> arguments =
        [
            "-m", "celery", "-A", "app", "worker", "-n", options.Name, "-Q", options.Queues, "-P", options.Pool,
            "-c", options.Concurrency.ToString(), "--loglevel", "INFO", .. options.More,
        ];
        if (!options.Mingles)
        {
            arguments.Add("--without-mingle");
        }
        if (options.Events)
        {
            arguments.Add("-E");
        }
        if (options.HeartbeatSeconds is { } seconds)
        {
            arguments.AddRange(["--heartbeat-interval", seconds.ToString()]);
        }
        ChildProcess process = ChildProcess.Start(Machine.Python, arguments, CeleryCluster.Folder, cluster.Environment);
        await process.LineAsync(line => line.EndsWith(" ready.", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        return new CeleryWorker(options.Name, process);
    }

    /// <summary>Kills the worker at once with <c>kill -9</c>, its pool first, so that nothing can be reported any more.</summary>
    public ValueTask KillAsync() => _process.DisposeAsync();

    /// <summary>Sends a signal: 15 is a warm shutdown, 19 stops it in its tracks, 18 lets it go on.</summary>
    public void Signal(int number) => _process.Signal(number);

    /// <summary>Waits for its end.</summary>
    public Task<int> ExitAsync(TimeSpan? limit = null) => _process.ExitAsync(limit);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
