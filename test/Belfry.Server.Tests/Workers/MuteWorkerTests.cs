using Belfry.Server.Sources;
using Belfry.Testing;

namespace Belfry.Server.Tests.Workers;

/// <summary>Workers that take tasks and send no events of them are found by what they count.</summary>
public sealed class MuteWorkerTests
{
    readonly MuteWorkers _mute = new();
    Instant _now = new(1_790_000_000_000_000);

    [Fact]
    [Trait("row", "103")]
    public void Three_beats_that_count_more_without_a_word_about_it_make_a_worker_mute_until_it_speaks()
    {
        Beat(10, 10, 11, 11);
        Assert.Empty(_mute.Names);
        Beat(12);
        Assert.Equal(["w1@lab"], _mute.Names);
        Hear(EventKind.Started);
        Assert.Empty(_mute.Names);
        Beat(13, 13, 13); // the first of these is where counting begins anew
        Assert.Empty(_mute.Names);
    }

    [Fact]
    public void An_idle_worker_a_new_process_and_a_broken_stream_say_nothing()
    {
        Beat(10, 10, 10, 10, 10);
        Assert.Empty(_mute.Names);
        Beat(11, 11);
        Hear(EventKind.WorkerHeartbeat, 3, pid: 8); // another process, which counts from none
        Hear(EventKind.WorkerHeartbeat, 3, pid: 8);
        Assert.Empty(_mute.Names);
        Hear(EventKind.WorkerHeartbeat, 9, pid: 8, broken: true);
        Hear(EventKind.WorkerHeartbeat, 9, pid: 8);
        Hear(EventKind.WorkerHeartbeat, 9, pid: 8);
        Hear(EventKind.WorkerHeartbeat, 9, pid: 8);
        Assert.Empty(_mute.Names);
    }

    [Fact]
    public void What_a_worker_has_begun_before_its_first_beat_counts_from_when_it_came()
    {
        Hear(EventKind.WorkerOnline, 0);
        Beat(1, 1, 1);
        Assert.Equal(["w1@lab"], _mute.Names);
    }

    [Fact]
    public void Events_between_beats_keep_a_busy_worker_from_it()
    {
        for (int count = 0; count < 10; count++)
        {
            Beat(count);
            Hear(EventKind.Received);
            Hear(EventKind.Started);
        }
        Assert.Empty(_mute.Names);
    }

    [Fact]
    public void Names_that_come_and_go_do_not_keep_a_new_worker_from_being_found()
    {
        for (int container = 0; container < WorkerNames.Most + 10; container++)
        {
            Hear(EventKind.WorkerHeartbeat, 1, worker: $"c{container}@lab");
        }
        Beat(10, 11, 11, 11);
        Assert.Equal(["w1@lab"], _mute.Names);
    }

    void Beat(params int[] counted) => Array.ForEach(counted, count => Hear(EventKind.WorkerHeartbeat, count));

    void Hear(EventKind kind, int? counted = null, int pid = 7, bool broken = false, string worker = "w1@lab")
    {
        _now += TimeSpan.FromSeconds(2);
        _mute.Hear([new TaskEvent { Source = "lab", Id = counted is null ? "r" : "", Kind = kind, At = _now, Worker = worker, Beat = counted is { } count ? new WorkerBeat(pid, 2.0, 0, count, "py-celery 5.2.6") : null }], broken);
    }
}

/// <summary>The same of a real worker.</summary>
public sealed class MuteCeleryTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    [Fact]
    [Trait("row", "103")]
    public async Task A_worker_without_E_that_takes_tasks_is_named_on_the_page_of_health()
    {
        await using ServerHost host = await ServerHost.StartAsync(change: settings => settings.Sources.Add(new SourceSettings { Name = "lab", Broker = lab.Url, EnableEvents = false }));
        await using CeleryWorker mute = await lab.Cluster.StartWorkerAsync(new CeleryWorkerOptions { Name = "mute@lab", Queues = "mute", Events = false, HeartbeatSeconds = 1 });
        await Eventually.HoldsAsync("it is known", async () => (await host.Log.Queries.WorkersAsync(ServerHost.Cancel)).Any(one => one.Online && one.Name == "mute@lab" && one.Beat.Processed is not null));
        await lab.Cluster.SendAsync("lab.add", [1, 2], new { queue = "mute" });
        await Eventually.HoldsAsync("it is named", async () =>
            (await (await host.GetAsync("/health")).Content.ReadAsStringAsync(ServerHost.Cancel)).Contains("takes tasks and sends no events of them", StringComparison.Ordinal));
    }
}
