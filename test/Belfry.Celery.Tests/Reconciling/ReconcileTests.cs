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
