using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Celery.Reconciling;
using Belfry.Server.Sources;

namespace Belfry.Celery.Tests.Sources;

public sealed class AskedWorkersTests
{
    static readonly Instant Begin = new(1_795_000_000_000_000), Now = At(100);

    [Fact]
    public void To_a_run_a_worker_is_what_it_said_of_it_and_else_what_it_is_to_all()
    {
        AskedWorkers asked = Asked(
            [Worker("idle", WorkerVerdict.Alive), Worker("busy", WorkerVerdict.Alive), Worker("leaving", WorkerVerdict.Offline, left: true), Worker("gone", WorkerVerdict.Gone)],
            """{"idle": {}, "stranger": {"a": ["active", {"id": "a", "time_start": 5}]}}""");
        IReadOnlyDictionary<string, WorkerEvidence> to = asked.Of(Run("a", "idle", RunState.Running), "a");
        Assert.Equal(
            [("busy", WorkerSays.Silent), ("gone", WorkerSays.Gone), ("idle", WorkerSays.Unknown), ("leaving", WorkerSays.Busy), ("stranger", WorkerSays.Active)],
            to.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => (one.Key, one.Value.Says)));
        Assert.Equal((5, to.Keys.Count(), WorkerSays.Active), (to.Count, to.Values.Count(), to["stranger"].Says));
        IReadOnlyDictionary<string, WorkerEvidence> queued = asked.Of(Run("b", "idle", RunState.Queued), "b");
        Assert.Equal((4, WorkerSays.Gone), (queued.Count, queued["leaving"].Says));
    }

    [Fact]
    public void A_run_of_a_process_that_another_followed_has_lost_its_worker_unless_that_says_it_has_it()
    {
        var followed = new WatchedWorker([(Signs("w") with { Pid = 1, LastSent = At(20) }, WorkerVerdict.Gone), (Signs("w") with { Pid = 2, FirstSent = At(30) }, WorkerVerdict.Alive)]);
        AskedWorkers asked = Asked([followed], """{"w": {"kept": ["reserved", {"id": "kept"}]}}""");
        WorkerEvidence lost = asked.Of(Run("a", "w", RunState.Running), "a")["w"], kept = asked.Of(Run("kept", "w", RunState.Running), "kept")["w"];
        Assert.Equal((WorkerSays.Gone, At(20), At(30)), (lost.Says, lost.Last, lost.Online));
        Assert.Equal((WorkerSays.Reserved, At(20), At(30)), (kept.Says, kept.Last, kept.Online));
        Assert.Equal(WorkerSays.Unknown, asked.Of(Run("later", "w", RunState.Running) with { Started = At(40) }, "later")["w"].Says);
    }

    static AskedWorkers Asked(IReadOnlyList<WatchedWorker> workers, string replies)
    {
        var answers = new WorkerAnswers();
        answers.Add(new ControlAnswer { Replies = JsonElement.Parse(replies).EnumerateObject().ToDictionary(one => one.Name, one => one.Value), Silent = [] }, WorkerSays.Reserved, _ => true);
        return new AskedWorkers(new WorkerStandings(workers, Begin, Now), answers, new Hearing());
    }

    static WatchedWorker Worker(string name, WorkerVerdict verdict, bool left = false) => new([(Signs(name) with { LeftHeard = left ? At(90) : null }, verdict)]);

    static WorkerSigns Signs(string name) => new(name, 1, 2, At(0), At(90), At(90));

    static TaskRun Run(string id, string worker, RunState state) => new() { Source = "lab", Id = id, Attempt = 1, State = state, At = At(10), First = At(10), Updated = At(10), Worker = worker, Started = At(10) };

    static Instant At(double seconds) => Begin + TimeSpan.FromSeconds(seconds);
}
