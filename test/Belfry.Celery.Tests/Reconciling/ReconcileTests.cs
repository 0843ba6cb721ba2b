using Belfry.Celery.Reconciling;

namespace Belfry.Celery.Tests.Reconciling;

/// <summary>Verdicts beside those of the cases: instants in seconds.</summary>
public sealed class ReconcileTests
{
    [Fact]
    public void On_RabbitMQ_a_worker_that_lost_its_broker_has_given_back_what_it_held()
    {
        TaskRun held = Assert.Single(Fold.Rows([Fact(EventKind.Submitted, 1), Fact(EventKind.Received, 2)]));
        Evidence nowhere = Nowhere() with { IsRabbitMq = true, Workers = Worker(WorkerSays.Unknown, online: 20) };
        Reconciliation concluded = Reconcile.Run("lab", "a", held, nowhere);
        TaskEvent back = Assert.Single(concluded.Facts);
        Assert.Equal((EventKind.Requeued, At(20), NextStep.Pending), (back.Kind, back.At, concluded.Next));
        // It came before: then it has not forgotten it, but was seen to end.
        Assert.Equal(EventKind.Lost, Assert.Single(Reconcile.Run("lab", "a", held, nowhere with { Workers = Worker(WorkerSays.Unknown, online: 0) }).Facts).Kind);
    }

    [Fact]
    public void On_Redis_a_worker_has_forgotten_what_waited_with_it_when_the_broker_was_started_again_and_goes_on_with_what_runs()
    {
        TaskEvent[] events = [Fact(EventKind.Submitted, 1), Fact(EventKind.Received, 2)];
        TaskRun held = Assert.Single(Fold.Rows(events)), running = Assert.Single(Fold.Rows([.. events, Fact(EventKind.Started, 3)]));
        Evidence kept = Nowhere() with { Workers = Worker(WorkerSays.Unknown, online: 0), Unacked = new MessageEvidence(1, "t", At(2)), BrokerSince = At(20) };
        Reconciliation concluded = Reconcile.Run("lab", "a", held, kept);
        TaskEvent back = Assert.Single(concluded.Facts);
        Assert.Equal((EventKind.Requeued, NextStep.Pending), (back.Kind, concluded.Next));
        Assert.StartsWith("kept by the broker until ", back.Reason, StringComparison.Ordinal);
        // Taken since, it is there, though it is in no list: a worker may hold it until it may begin.
        Assert.Equal((0, NextStep.Held), Of(Reconcile.Run("lab", "a", held, kept with { BrokerSince = At(1) })));
        Dictionary<string, WorkerEvidence> active = new() { ["w"] = new WorkerEvidence(WorkerSays.Active) { Start = At(3) } };
        Assert.Equal((0, NextStep.Running), Of(Reconcile.Run("lab", "a", running, kept with { Workers = active })));
    }

    [Fact]
    public void What_was_given_up_and_is_found_nowhere_is_not_asked_for_any_more()
    {
        TaskRun lost = Assert.Single(Fold.Rows([Fact(EventKind.Received, 1), Fact(EventKind.Started, 2), Fact(EventKind.Lost, 3)]));
        Assert.Equal((0, NextStep.Lost), Of(Reconcile.Run("lab", "a", lost, Nowhere() with { Workers = Worker(WorkerSays.Gone, online: 0) })));
        var stored = new ResultEvidence("SUCCESS") { Done = At(2.5), Attempt = 1, Worker = "w" };
        Assert.Equal((1, NextStep.Settled), Of(Reconcile.Run("lab", "a", lost, Nowhere() with { Record = stored })));
    }

    static (int, NextStep) Of(Reconciliation concluded) => (concluded.Facts.Count, concluded.Next);

    static Evidence Nowhere() => new() { Asked = At(60), Rounds = 2, Complete = true, Drained = true, Unheard = TimeSpan.FromSeconds(99) };

    static Dictionary<string, WorkerEvidence> Worker(WorkerSays says, double online) => new() { ["w"] = new WorkerEvidence(says) { Online = At(online), Last = At(59) } };

    static TaskEvent Fact(EventKind kind, double at) => new() { Source = "lab", Id = "a", Kind = kind, At = At(at), Shown = At(at), Worker = kind == EventKind.Submitted ? null : "w", Task = "t" };

    static Instant At(double seconds) => Instant.FromUnixSeconds(1_700_000_000 + seconds);
}
