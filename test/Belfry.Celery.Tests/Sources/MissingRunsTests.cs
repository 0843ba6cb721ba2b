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

    [Fact]
    public async Task Of_a_large_backend_not_every_key_is_looked_at_for_a_gap_in_which_nothing_was_begun()
    {
        await KeepAsync(60_000);
        Beat(processed: 10);
        Miss();
        await AskAsync();
        Beat(processed: 10);
        await AskAsync();
        _clock.Advance(TimeSpan.FromSeconds(31));
        Beat(processed: 10);
        await AskAsync();
        // What goes by unseen later is none of that gap.
        Beat(processed: 12);
        Beat(processed: 12);
        await AskAsync();
        Assert.False(_book.Has("1"));
    }

    [Theory]
    [InlineData("starts that nobody saw")]
    [InlineData("a new process")]
    [InlineData("a worker that came")]
    [InlineData("a worker that went")]
    public async Task A_large_backend_is_searched_when_something_says_that_runs_went_by(string sign)
    {
        await KeepAsync(60_000);
        Beat(processed: 10);
        Miss();
        await AskAsync();
        Assert.False(_book.Has("1"));
        switch (sign)
        {
            case "starts that nobody saw":
                Beat(processed: 12);
                Beat(processed: 12);
                break;
            case "a new process":
                Beat(processed: 1, pid: 2);
                break;
            case "a worker that came":
                Beat(processed: 10);
                Beat(processed: 1, worker: "other");
                break;
            default:
                _clock.Advance(TimeSpan.FromSeconds(5));
                break;
        }
        await AskAsync();
        Assert.True(_book.Has("1"));
    }

    [Fact]
    public async Task A_search_of_a_large_backend_that_broke_off_is_made_again()
    {
        await KeepAsync(60_000);
        Beat(processed: 10);
        Miss();
        await AskAsync();
        Beat(processed: 12);
        Beat(processed: 12);
        await _results.StopAsync();
        await Assert.ThrowsAsync<IOException>(() => AskAsync());
        await _results.StartAgainAsync();
        await KeepAsync(1);
        await AskAsync();
        Assert.True(_book.Has("1"));
    }

    [Fact]
    public async Task Records_are_asked_for_what_went_by_before_anybody_is_waited_for()
    {
        await KeepAsync(3);
        Miss();
        var visits = new List<string>();
        Func<CancellationToken, Task> Visit(string what) => _ =>
        {
            visits.Add($"{what} {_book.Due(Instant.Now(_clock), 10).Count}");
            return Task.CompletedTask;
        };
        await _missing.AskAsync(_book, _watch, new Visits(Visit("records"), Visit("all")), Cancel);
        Assert.Equal(["records 0", "records 3", "all 3"], visits);
    }

    [Fact]
    public async Task A_run_whose_start_is_heard_after_its_end_is_asked_about_once()
    {
        Beat(processed: 0);
        Hear(EventKind.Succeeded, "late");
        Hear(EventKind.Started, "late");
        Beat(processed: 1);
        Beat(processed: 1);
        await AskAsync();
        Inquiry asked = Assert.Single(_book.Due(Instant.Now(_clock), 10));
        var ended = new TaskRun { Source = "lab", Id = "late", Attempt = 1, State = RunState.Completed, Worker = "w", At = default, First = default, Updated = default };
        _missing.Settle(new Answer(asked, ended, new Reconciliation([], NextStep.Closed), null, null));
        _book.Drop("late");
        _clock.Advance(TimeSpan.FromMinutes(10));
        Beat(processed: 1);
        Beat(processed: 1);
        await AskAsync();
        Assert.False(_book.Has("late"));
    }

    [Fact]
    public async Task A_run_that_was_found_nowhere_and_cannot_be_given_up_is_not_looked_for_at_its_worker_at_each_beat()
    {
        Beat(processed: 0);
        Hear(EventKind.Started, "nameless");
        Beat(processed: 1);
        Beat(processed: 1);
        await AskAsync();
        Inquiry asked = Assert.Single(_book.Due(Instant.Now(_clock), 10));
        for (int round = 0; round < 2; round++)
        {
            _book.Note(asked, NextStep.AskAgain, complete: true, Instant.Now(_clock), null);
        }
        var open = new TaskRun { Source = "lab", Id = "nameless", Attempt = 1, State = RunState.Running, Worker = "w", At = default, First = default, Updated = default };
        _missing.Settle(new Answer(asked, open, new Reconciliation([], NextStep.AskAgain), true, null));
        _clock.Advance(TimeSpan.FromSeconds(15));
        Beat(processed: 1);
        Beat(processed: 1);
        await AskAsync();
        Assert.Empty(_book.Due(Instant.Now(_clock), 10));
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _results.DisposeAsync();
        await _broker.DisposeAsync();
    }

    void Miss()
    {
        _clock.Advance(TimeSpan.FromMinutes(1));
        Instant now = Instant.Now(_clock);
        _missing.Miss(new Gap(now - TimeSpan.FromSeconds(30), now));
        _watch.Break(now);
        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    void Beat(long processed, int pid = 1, string worker = "w") => Hear(EventKind.WorkerHeartbeat, "", worker, new WorkerBeat(pid, 2, 0, processed, null));

    void Hear(EventKind kind, string id, string worker = "w", WorkerBeat? beat = null)
    {
        Instant now = Instant.Now(_clock);
        TaskEvent[] events = [new TaskEvent { Source = "lab", Id = id, Kind = kind, At = now, Shown = now, Worker = worker, Beat = beat }];
        _missing.Hear(events);
        _watch.Hear(events, now);
    }

    Task AskAsync(Func<CancellationToken, Task>? visit = null) => _missing.AskAsync(_book, _watch, new Visits(_ => Task.CompletedTask, visit ?? (_ => Task.CompletedTask)), Cancel);

    /// <summary>Records of so many runs, called by their numbers.</summary>
    Task<string> KeepAsync(int runs) => _results.AskAsync(
        "EVAL", """for i = 1, tonumber(ARGV[1]) do redis.call('SETEX', 'celery-task-meta-' .. i, 86400, '{"status": "SUCCESS"}') end return 0""", "0", $"{runs}");
}
