using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Reconciling;
using Belfry.Celery.Results;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using CeleryCluster = Belfry.Celery.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

/// <summary>Which runs are asked about after a gap, over a real Redis for messages and another for results.</summary>
public sealed class MissingRunsTests : IAsyncLifetime
{
    readonly ManualClock _clock = new();
    readonly InquiryBook _book = new();
    RedisServer _broker = null!, _results = null!;
    RunLog _log = null!;
    WorkerWatch _watch = null!;
    MissingRuns _missing = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (_broker, _results) = (await RedisServer.StartAsync(), await RedisServer.StartAsync());
        _log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        _watch = new WorkerWatch("lab", _log, TimeSpan.FromMinutes(1));
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(_broker.Url) };
        var evidence = new ClusterEvidence(cluster, new RemoteControl(cluster, _clock), BrokerQueues.Of(cluster, _clock), new RedisResults(BrokerUrl.Parse(_results.Url), "", _clock), _clock);
        _missing = new MissingRuns(new SourceSettings { Name = "lab" }, evidence, _log, _clock);
    }

    [Fact]
    public async Task A_gap_is_not_forgotten_when_nobody_could_be_asked_about_it()
    {
        Miss();
        await _results.StopAsync();
        await Assert.ThrowsAsync<IOException>(() => AskAsync());
        await _results.StartAgainAsync();
        await KeepAsync(1);
        await AskAsync();
        Assert.False(_book.Has("1")); // others have their turn first
        _clock.Advance(TimeSpan.FromSeconds(30));
        await AskAsync();
        Assert.True(_book.Has("1"));
    }

    [Fact]
    public async Task A_gap_may_have_more_runs_than_may_be_asked_about_at_once()
    {
        const int kept = 25_000, most = 12_000;
        await KeepAsync(kept);
        Miss();
        var asked = new HashSet<string>();
        Task MakeRoomAsync(CancellationToken cancel)
        {
            IReadOnlyList<Inquiry> due = _book.Due(Instant.Now(_clock), kept);
            Assert.InRange(due.Count, 0, most);
            asked.UnionWith(due.Select(inquiry => inquiry.Id));
            Assert.All(due, inquiry => _book.Drop(inquiry.Id));
            return Task.CompletedTask;
        }
        await AskAsync(MakeRoomAsync);
        await MakeRoomAsync(Cancel);
        Assert.Equal(kept, asked.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _results.DisposeAsync();
        await _broker.DisposeAsync();
    }

    void Miss()
    {
        Instant now = Instant.Now(_clock);
        _missing.Miss(new Gap(now - TimeSpan.FromMinutes(1), now));
        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    Task AskAsync(Func<CancellationToken, Task>? makeRoom = null) => _missing.AskAsync(_book, _watch, makeRoom ?? (_ => Task.CompletedTask), Cancel);

    /// <summary>Records of so many runs, called by their numbers.</summary>
    Task<string> KeepAsync(int runs) => _results.AskAsync(
        "EVAL", """for i = 1, tonumber(ARGV[1]) do redis.call('SETEX', 'celery-task-meta-' .. i, 86400, '{"status": "SUCCESS"}') end return 0""", "0", $"{runs}");
}
