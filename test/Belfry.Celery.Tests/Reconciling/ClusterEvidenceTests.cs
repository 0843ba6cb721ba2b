using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Reconciling;
using Belfry.Celery.Redis;
using Belfry.Celery.Results;
using Belfry.Testing;
using CeleryCluster = Belfry.Celery.CeleryCluster;

namespace Belfry.Celery.Tests.Reconciling;

/// <summary>What is asked of a real Redis.</summary>
public sealed class ClusterEvidenceTests : IAsyncLifetime
{
    RedisServer _redis = null!;
    RedisConnection _connection = null!;
    ClusterEvidence _evidence = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        var url = BrokerUrl.Parse(_redis.Url);
        _connection = RedisConnection.Open(url, TimeSpan.FromSeconds(10), TimeProvider.System, Cancel);
        _evidence = EvidenceOf(new CeleryCluster { Source = "lab", Broker = url });
    }

    [Theory]
    [InlineData(3_600)]
    [InlineData(86_400)]
    [InlineData(7 * 86_400)]
    public async Task Records_of_a_gap_are_found_however_long_results_are_kept(int seconds)
    {
        Keep("last", seconds);
        Keep("in-it", seconds - 240);
        Keep("before-it", seconds - 1_800);
        _connection.Command("SET", "celery-task-meta-for-ever", """{"status": "SUCCESS"}""");
        var found = new HashSet<string>();
        await foreach (IReadOnlyList<string> ids in _evidence.FindRecordsAsync(Instant.Now(TimeProvider.System) - TimeSpan.FromMinutes(5), Cancel))
        {
            found.UnionWith(ids);
        }
        Assert.Equal(["for-ever", "in-it", "last"], found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Round_after_round_does_not_look_at_every_key_of_the_database()
    {
        _connection.Command("EVAL", "for i = 1, 5000 do redis.call('SETEX', 'celery-task-meta-' .. i, 86400, 'x') end return 0", "0");
        _connection.Command("SADD", "_kombu.binding.mail", "mail\u0006\u0016\u0006\u0016mail");
        await _evidence.LookAsync(["a"], [], Cancel);
        string scans = Scans();
        for (int round = 0; round < 3; round++)
        {
            await _evidence.LookAsync(["a"], ["known"], Cancel);
        }
        Assert.Equal(scans, Scans());
        Assert.NotEqual("", scans);
        // What went by in a gap may have gone into a queue that was not there before.
        await _evidence.LookAsync(null, [], Cancel);
        Assert.NotEqual(scans, Scans());
    }

    [Fact]
    public async Task It_is_known_since_when_the_broker_is_the_one_that_it_is()
    {
        Instant first = await SinceAsync();
        Assert.True(first < Instant.Now(TimeProvider.System));
        Assert.Equal(first, await SinceAsync());
        await _redis.StopAsync();
        await _redis.StartAgainAsync();
        Assert.True(await SinceAsync() > first);
        // Who may not ask goes without.
        await _redis.AskAsync("ACL", "SETUSER", "default", "-info");
        var other = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_redis.Url) };
        BrokerLook look = await EvidenceOf(other).LookAsync(["a"], [], Cancel);
        Assert.Equal((null, At(2)), (look.Since, look.Unacked["a"].Taken));
    }

    [Fact]
    public async Task Who_is_deaf_is_waited_for_once_and_not_at_every_question()
    {
        using RedisConnection ear = RedisConnection.Open(BrokerUrl.Parse(_redis.Url), TimeSpan.FromSeconds(10), TimeProvider.System, Cancel);
        ear.Send("SUBSCRIBE", "/0.celery.pidbox");
        await Eventually.HoldsAsync("it hears", () => _connection.Command("PUBSUB", "NUMSUB", "/0.celery.pidbox").Items![1].Number == 1);
        string[] ids = [.. Enumerable.Range(0, 2_000).Select(number => $"{number}")];
        WorkerAnswers answers = await _evidence.AskAsync(ids, ["deaf@lab"], [], Cancel);
        Assert.Equal(["deaf@lab"], answers.Silent);
        Assert.Equal(1, answers.Heard);
        Assert.Empty(answers.Answered);
        Assert.Equal("cmdstat_brpop:calls=1", Calls("brpop"));
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        await _redis.DisposeAsync();
    }

    static ClusterEvidence EvidenceOf(CeleryCluster cluster) => new(
        cluster, new RemoteControl(cluster, TimeProvider.System), BrokerQueues.Of(cluster, TimeProvider.System), new RedisResults(cluster.Broker, "", TimeProvider.System), TimeProvider.System);

    static Instant At(double seconds) => Instant.FromUnixSeconds(1_700_000_000 + seconds);

    /// <summary>Since when, by a message that a worker has taken.</summary>
    async Task<Instant> SinceAsync()
    {
        const string message = """[{"body": "W1tdLCB7fSwge31d", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"id": "a", "task": "t", "retries": 0}, "properties": {"body_encoding": "base64", "delivery_tag": "tag"}}, "", "celery"]""";
        await _redis.AskAsync("HSET", "unacked", "tag", message);
        await _redis.AskAsync("ZADD", "unacked_index", "1700000002", "tag");
        return (await _evidence.LookAsync(["a"], [], Cancel)).Since ?? throw new InvalidOperationException("it did not tell");
    }

    void Keep(string id, int seconds) => _connection.Command("SETEX", $"celery-task-meta-{id}", $"{seconds}", """{"status": "SUCCESS"}""");

    string Scans() => Calls("scan");

    /// <summary>How often something was asked for so far, as Redis counts it.</summary>
    string Calls(string command) =>
        _connection.Command("INFO", "commandstats").Text!.Split('\n').SingleOrDefault(line => line.StartsWith($"cmdstat_{command}:", StringComparison.Ordinal))?.Split(',')[0] ?? "";
}
