namespace Belfry.Testing;

/// <summary>A master and its replica, watched by Sentinels, all with passwords, on free ports and gone at the end.</summary>
public sealed class RedisSentinels : IAsyncDisposable
{
    /// <summary>What the Sentinels call the master.</summary>
    public const string Master = "lab";

    /// <summary>The password of master and replica.</summary>
    public const string Password = "s3cret";

    /// <summary>The password of the Sentinels.</summary>
    public const string SentinelPassword = "w4tch";

    readonly TempFolder _folder = new();
    readonly List<ChildProcess> _sentinels = [];
    readonly List<int> _ports = [];

    RedisSentinels(RedisServer first, RedisServer second) => (First, Second) = (first, second);

    /// <summary>The master of the beginning.</summary>
    public RedisServer First { get; }

    /// <summary>The replica of the beginning.</summary>
    public RedisServer Second { get; }

    /// <summary>The URL as Celery has it; the first place of it is nobody.</summary>
    public string Url(int database = 0) =>
        $"sentinel://:{Password}@127.0.0.1:{Machine.FreePort()}/{database};" + string.Join(';', _ports.Select(port => $"sentinel://127.0.0.1:{port}"));

    /// <summary>Starts them and waits until the Sentinels know the replica.</summary>
    public static async Task<RedisSentinels> StartAsync()
    {
        string[] login = ["--requirepass", Password, "--masterauth", Password, "--repl-diskless-sync-delay", "0"];
        RedisServer first = await RedisServer.StartAsync(login);
        RedisServer second = await RedisServer.StartAsync([.. login, "--replicaof", $"127.0.0.1 {first.Port}"]);
        var all = new RedisSentinels(first, second);
        for (int n = 0; n < 3; n++)
        {
            await all.AddSentinelAsync();
        }
        await Eventually.HoldsAsync("the Sentinels know each other and the replica", async () => (await Task.WhenAll(all._ports.Select(all.KnownAsync))).All(known => known == (1, 2)));
        return all;
    }

    /// <summary>Kills the master; within seconds the Sentinels make the replica the new one.</summary>
    public Task KillMasterAsync() => First.StopAsync();

    /// <summary>The port of the master, as the Sentinels have it.</summary>
    public async Task<int> MasterPortAsync() => int.Parse((await AskAsync(_ports[0], "GET-MASTER-ADDR-BY-NAME", Master))[1]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (ChildProcess sentinel in _sentinels)
        {
            await sentinel.DisposeAsync();
        }
        await Second.DisposeAsync();
        await First.DisposeAsync();
        _folder.Dispose();
    }

    async Task AddSentinelAsync()
    {
        int port = Machine.FreePort();
        string file = _folder.File($"sentinel-{port}.conf"); // Sentinel writes into it what it learns
        await File.WriteAllTextAsync(file, $"""
            port {port}
            bind 127.0.0.1
            dir {_folder.Path}
            requirepass {SentinelPassword}
            sentinel sentinel-pass {SentinelPassword}
            sentinel monitor {Master} 127.0.0.1 {First.Port} 2
            sentinel auth-pass {Master} {Password}
            sentinel down-after-milliseconds {Master} 1000
            sentinel failover-timeout {Master} 5000

            """);
        ChildProcess sentinel = ChildProcess.Start("redis-server", [file, "--sentinel"], _folder.Path);
        _sentinels.Add(sentinel);
        _ports.Add(port);
        await sentinel.LineAsync(line => line.Contains("Sentinel ID is", StringComparison.Ordinal));
    }

    async Task<(int Replicas, int Sentinels)> KnownAsync(int port)
    {
        string[] facts = await AskAsync(port, "MASTER", Master);
        int Fact(string name) => int.Parse(facts[Array.IndexOf(facts, name) + 1]);
        return (Fact("num-slaves"), Fact("num-other-sentinels"));
    }

    static async Task<string[]> AskAsync(int port, params string[] question)
    {
        Finished told = await ChildProcess.RunAsync(
            "redis-cli", ["-p", $"{port}", "SENTINEL", .. question], environment: new Dictionary<string, string?> { ["REDISCLI_AUTH"] = SentinelPassword });
        return told.Output.Split('\n', StringSplitOptions.TrimEntries);
    }
}
