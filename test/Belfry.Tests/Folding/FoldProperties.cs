namespace Belfry.Tests.Folding;

/// <summary>What holds for every life, in every order, however often it is told.</summary>
public sealed class FoldProperties
{
    [Fact]
    [Trait("row", "102")]
    public void Told_in_any_order_any_number_of_times_and_folded_after_each_event_a_life_has_the_same_rows()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            List<TaskEvent> events = Lives.Random(random, "id");
            IReadOnlyList<TaskRun> expected = Fold.Rows(events);
            List<TaskEvent> told = [.. events, .. events.Where(_ => random.Next(4) == 0)];
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(told));
            var life = new Life("cluster", "id");
            foreach (TaskEvent item in told)
            {
                life.Add(item);
                if (random.Next(3) == 0)
                {
                    life.Fold();
                }
            }
            Assert.Equal(expected, life.Fold().Select(row => row.Run));
        }
    }

    [Fact]
    public void A_usual_life_has_the_rows_that_it_has_when_nothing_is_taken_for_usual()
    {
        int usual = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            List<TaskEvent> events = seed % 2 == 0 ? Lives.Random(random, "id") : Lives.Simple(random, "id");
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(events));
            var life = new Life("cluster", "id");
            foreach (TaskEvent item in events)
            {
                life.Add(item);
                IReadOnlyList<FoldedRun> rows = life.Fold(), expected = life.FoldInFull();
                usual += rows.Count == 1 && AttemptFold.Usual(life, [.. rows[0].Facts]) is not null ? 1 : 0;
                Assert.Equal(expected.Select(row => row.Run), rows.Select(row => row.Run));
                Assert.Equal(expected.SelectMany(row => row.Facts), rows.SelectMany(row => row.Facts));
            }
        }
        Assert.InRange(usual, 10_000, 60_000);
    }

    [Fact]
    public void The_facts_of_a_row_stay_as_they_are_when_more_are_told()
    {
        TaskEvent received = new() { Source = "s", Id = "i", Kind = EventKind.Received, At = new Instant(1), Worker = "w" };
        var life = new Life("s", "i");
        life.Add(received);
        FoldedRun before = life.Fold().Single();
        life.Add(received with { Kind = EventKind.Started, At = new Instant(2) });
        life.Add(received with { Queue = "q" });
        Assert.Equal([received], before.Facts);
        Assert.Equal(2, life.Fold().Single().Facts.Count);
    }

    [Fact]
    public void An_event_told_again_says_nothing_new()
    {
        List<TaskEvent> events = Lives.Random(new Random(7), "id");
        var life = new Life("cluster", "id");
        events.ForEach(item => life.Add(item));
        Assert.DoesNotContain(events.Where(item => item.Kind != EventKind.Progress), item => life.Add(item));
    }

    [Fact]
    public void Of_a_field_told_twice_differently_the_greater_text_stands()
    {
        TaskEvent one = new() { Source = "s", Id = "i", Kind = EventKind.Failed, At = new Instant(5), Worker = "w", Exception = "A()" };
        TaskEvent two = one with { Exception = "B()" };
        Assert.Equal("B()", Fold.Rows([one, two]).Single().Exception);
        Assert.Equal("B()", Fold.Rows([two, one]).Single().Exception);
    }

    [Fact]
    public void A_run_that_finishes_before_it_starts_has_no_negative_runtime()
    {
        TaskRun run = Fold.Rows(
        [
            new() { Source = "s", Id = "i", Kind = EventKind.Started, At = new Instant(500), Worker = "w" },
            new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(100), Worker = "w" },
        ]).Single();
        Assert.Equal(0, run.Runtime);
        Assert.Equal(RunState.Completed, run.State);
    }

    [Fact]
    public void Lost_is_beaten_by_any_later_sign_of_life_and_by_any_outcome()
    {
        TaskEvent[] lost =
        [
            new() { Source = "s", Id = "i", Kind = EventKind.Received, At = new Instant(1), Worker = "w", Attempt = 1, Task = "t" },
            new() { Source = "s", Id = "i", Kind = EventKind.Started, At = new Instant(2), Worker = "w" },
            new() { Source = "s", Id = "i", Kind = EventKind.Lost, At = new Instant(9), Worker = "w", Attempt = 1, Reason = "worker gone" },
        ];
        Assert.Equal((RunState.Lost, new Instant(9), "worker gone"), (Fold.Rows(lost).Single().State, Fold.Rows(lost).Single().Finished, Fold.Rows(lost).Single().Reason));
        Assert.Equal(RunState.Completed, Fold.Rows([.. lost, new() { Source = "s", Id = "i", Kind = EventKind.Succeeded, At = new Instant(5), Worker = "w" }]).Single().State);
        Assert.Equal(RunState.Running, Fold.Rows([.. lost, new() { Source = "s", Id = "i", Kind = EventKind.Progress, At = new Instant(10), Worker = "w", Percent = 1 }]).Single().State);
        Assert.Equal(RunState.Queued, Fold.Rows([.. lost, new() { Source = "s", Id = "i", Kind = EventKind.Received, At = new Instant(10), Worker = "v", Attempt = 1 }]).Single().State);
    }

    [Fact]
    public void A_reconciled_receipt_gives_way_to_the_real_one_of_its_worker_and_to_no_other()
    {
        TaskEvent reconciled = new() { Source = "s", Id = "i", Kind = EventKind.Received, At = new Instant(10), Until = new Instant(50), Worker = "w", Attempt = 1, Reconciled = true };
        TaskRun alone = Fold.Rows([reconciled]).Single();
        TaskRun told = Fold.Rows([reconciled, reconciled with { At = new Instant(30), Shown = new Instant(30), Until = null, Reconciled = false }]).Single();
        TaskRun later = Fold.Rows([reconciled, reconciled with { At = new Instant(60), Shown = new Instant(60), Until = null, Reconciled = false }]).Single();
        TaskRun other = Fold.Rows([reconciled, reconciled with { At = new Instant(30), Shown = new Instant(30), Until = null, Reconciled = false, Worker = "v" }]).Single();
        Assert.Equal((RunParts.Received, new Instant(50)), (alone.Reconciled, alone.Until));
        Assert.Equal((RunParts.None, 0, new Instant(30)), (told.Reconciled, told.Redeliveries, told.First));
        Assert.Equal((RunParts.None, 1), (later.Reconciled, later.Redeliveries));
        Assert.Equal((RunParts.None, 1, "v"), (other.Reconciled, other.Redeliveries, other.Worker));
    }

    [Fact]
    public void A_retry_that_is_told_after_it_was_concluded_belongs_to_the_same_attempt()
    {
        TaskEvent retried = new() { Source = "s", Id = "i", Kind = EventKind.Retried, At = new Instant(20), Worker = "w", Attempt = 1, Reconciled = true };
        IReadOnlyList<TaskRun> rows = Fold.Rows(
        [
            retried, retried with { Kind = EventKind.Submitted, At = new Instant(21), Shown = new Instant(21), Worker = null, Attempt = 2 },
            retried with { At = new Instant(25), Shown = new Instant(25), Attempt = null, Reconciled = false, Exception = "Error()" },
        ]);
        Assert.Equal([(1, RunState.Retried, "Error()"), (2, RunState.Pending, null)], rows.Select(row => (row.Attempt, row.State, row.Exception)));
    }

    [Fact]
    public void Of_thirty_attempts_the_newest_sixteen_can_change()
    {
        IEnumerable<TaskEvent> events = Enumerable.Range(1, 30).Select(n => new TaskEvent
        {
            Source = "s", Id = "i", Kind = EventKind.Received, At = new Instant(n * 10), Worker = "w", Attempt = n, Task = "t",
        });
        Assert.Equal(Enumerable.Range(15, 16), Fold.Rows(events).Select(run => run.Attempt));
    }
}
