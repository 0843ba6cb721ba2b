using static Belfry.Conditions;

namespace Belfry.Tests.Scheduling;

/// <summary>What is to happen and when, decided on values.</summary>
public sealed class AgendaTests
{
    static readonly Instant Nine = Instant.From(new DateTimeOffset(2026, 6, 1, 9, 0, 0, TimeSpan.Zero));
    int _ids;

    [Fact]
    [Trait("row", "40")]
    public void Processes_wait_for_room_and_the_higher_priority_gets_it_first()
    {
        Agenda agenda = New(options => options.MaxProcesses = 2);
        foreach (int n in Enumerable.Range(0, 6))
        {
            agenda.Add(Task($"task-{n}", Daily, options => (options.Execution, options.Priority) = (Execution.Process, n)), Nine);
        }
        agenda.Add(Task("not a process", Daily), Nine);
        var started = new List<string>();
        var running = new Queue<Work>();
        for (Instant now = Nine; running.Count > 0 || started.Count == 0; now += TimeSpan.FromSeconds(1))
        {
            if (running.TryDequeue(out Work? ended))
            {
                agenda.Ended(ended, EventKind.Succeeded, false, now);
                agenda.Released(ended);
            }
            foreach (Work work in Starts(agenda, now))
            {
                started.Add(work.Definition.Name);
                running.Enqueue(work);
            }
            Assert.InRange(running.Count(work => work.IsProcess), 0, 2);
        }
        Assert.Equal(["task-5", "task-4", "not a process", "task-3", "task-2", "task-1", "task-0"], started);
    }

    [Fact]
    [Trait("row", "40")]
    public void Who_waits_for_room_for_a_process_gets_it_before_who_had_it_and_is_due_again()
    {
        Agenda agenda = New(options => options.MaxProcesses = 1);
        foreach (string name in new[] { "one", "two", "three" })
        {
            agenda.Add(Task(name, Every("1 second"), options => options.Execution = Execution.Process), Nine);
        }
        var started = new List<string>();
        for (Instant now = Nine; started.Count < 6;)
        {
            Work work = Starts(agenda, now).Single();
            started.Add(work.Definition.Name);
            now += TimeSpan.FromSeconds(5);
            agenda.Ended(work, EventKind.Succeeded, false, now);
            agenda.Released(work);
        }
        Assert.Equal(["one", "two", "three", "one", "two", "three"], started);
    }

    [Fact]
    [Trait("row", "32")]
    public void A_retry_that_would_start_outside_its_window_is_not_promised()
    {
        Condition window = (Daily | Retry(5, TimeSpan.FromMinutes(20))) & TimeOfDay.Between("10:00", "10:30");
        Agenda agenda = New();
        agenda.Add(Task("load", window), Nine);
        Instant ten = Nine + TimeSpan.FromHours(1);
        Assert.Empty(Starts(agenda, Nine));
        Assert.Equal(ten, agenda.Next);
        Work first = Starts(agenda, ten).Single();
        Assert.Equal(EventKind.Retried, Fail(agenda, first, ten + TimeSpan.FromMinutes(1)));
        Assert.Equal(ten + TimeSpan.FromMinutes(21), NextAfter(agenda, ten + TimeSpan.FromMinutes(2)));
        Work second = Starts(agenda, ten + TimeSpan.FromMinutes(21)).Single();
        Assert.Equal((first.Order.Id, 2), (second.Order.Id, second.Order.Attempt));
        Assert.Equal(EventKind.Failed, Fail(agenda, second, ten + TimeSpan.FromMinutes(22)));
        Assert.Equal(ten + TimeSpan.FromDays(1), NextAfter(agenda, ten + TimeSpan.FromMinutes(23)));
    }

    [Fact]
    public void A_promise_is_broken_when_somebody_orders_a_run_first()
    {
        Agenda agenda = New();
        ScheduledTask load = agenda.Add(Task("load", Daily | Retry(1, TimeSpan.FromMinutes(10))), Nine);
        Fail(agenda, Starts(agenda, Nine).Single(), Nine + TimeSpan.FromMinutes(1));
        agenda.Order(load, new RunOrder { Source = "local", Id = "by hand" });
        Work byHand = Starts(agenda, Nine + TimeSpan.FromMinutes(2)).Single();
        agenda.Ended(byHand, EventKind.Succeeded, false, Nine + TimeSpan.FromMinutes(3));
        agenda.Released(byHand);
        BreakPromise broken = Assert.Single(agenda.Advance(Nine + TimeSpan.FromMinutes(11)).OfType<BreakPromise>());
        Assert.Equal((EventKind.Failed, 1, Nine + TimeSpan.FromMinutes(1)), (broken.Event("me").Kind, broken.Event("me").Attempt, broken.Event("me").At));
    }

    [Fact]
    [Trait("row", "31")]
    public void A_promise_is_broken_at_its_instant_when_the_condition_does_not_keep_it_any_more()
    {
        Agenda agenda = New();
        ScheduledTask load = agenda.Add(Task("load", Daily | Retry(1, TimeSpan.FromMinutes(10))), Nine);
        Fail(agenda, Starts(agenda, Nine).Single(), Nine + TimeSpan.FromMinutes(1));
        agenda.Change(load, Task("load", Never));
        Assert.Empty(agenda.Advance(Nine + TimeSpan.FromMinutes(2)));
        Assert.Equal(Nine + TimeSpan.FromMinutes(11), agenda.Next);
        Assert.Single(agenda.Advance(Nine + TimeSpan.FromMinutes(11)).OfType<BreakPromise>());
        Assert.Null(agenda.Next);
    }

    [Fact]
    [Trait("row", "42")]
    public void A_task_for_the_beginning_has_failed_when_it_fails_for_its_condition_starts_no_retry()
    {
        Agenda agenda = New();
        ScheduledTask first = agenda.Add(Task("first", Daily | Retry(3), options => options.OnStartup = true), Nine);
        agenda.Order(first, new RunOrder { Source = "local", Id = "at the start" });
        Assert.Equal(EventKind.Failed, Fail(agenda, Starts(agenda, Nine).Single(), Nine + TimeSpan.FromMinutes(1)));
    }

    [Fact]
    [Trait("row", "31")]
    public void A_retry_that_the_last_process_promised_is_broken_when_the_task_is_disabled_now()
    {
        Agenda agenda = New();
        agenda.Add(Task("load", Daily | Retry(3), options => options.Disabled = true), Nine);
        var failed = new PastRun(("local", "1"), 1, Nine, Nine + TimeSpan.FromMinutes(1), RunState.Retried, false);
        agenda.Restore("load", TaskHistory.None.With(failed), Nine + TimeSpan.FromMinutes(2));
        Assert.Single(agenda.Advance(Nine + TimeSpan.FromMinutes(2)).OfType<BreakPromise>());
    }

    [Fact]
    [Trait("row", "31")]
    [Trait("row", "68")]
    public void A_retry_that_another_process_promised_and_started_is_no_failure_to_one_that_came_meanwhile()
    {
        var came = new Agenda(new BelfryOptions { TimeZone = TimeZoneInfo.Utc }, () => 0, () => "new") { Started = Nine, IsShared = true };
        came.Add(Task("load", Daily | Retry(3, TimeSpan.FromMinutes(10))), Nine);
        var failed = new PastRun(("local", "1"), 1, Nine, Nine + TimeSpan.FromMinutes(1), RunState.Retried, false);
        came.Restore("load", TaskHistory.None.With(failed), Nine + TimeSpan.FromMinutes(2));
        Assert.Empty(came.Advance(Nine + TimeSpan.FromMinutes(2)));
        Instant due = Nine + TimeSpan.FromMinutes(11);
        came.Learn(new TaskRun { Source = "local", Id = "1", Attempt = 2, State = RunState.Running, Task = "load", Worker = "other", At = due, First = due, Started = due, Updated = due });
        Assert.Empty(came.Advance(due + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    [Trait("row", "38")]
    [Trait("row", "53")]
    public void A_condition_that_cannot_be_asked_keeps_the_end_condition_from_nothing()
    {
        Agenda agenda = New();
        ScheduledTask load = agenda.Add(
            Task("load", When("weather", bool () => throw new InvalidOperationException("no window")), options => (options.Overlap, options.End) = (OverlapPolicy.Queue, TimeOfDay.After("10:00"))),
            Nine);
        agenda.Order(load, new RunOrder { Source = "local", Id = "by hand" });
        Assert.Single(Starts(agenda, Nine));
        Assert.Empty(agenda.Advance(Nine + TimeSpan.FromMinutes(59)).OfType<StopRun>());
        Assert.Single(agenda.Advance(Nine + TimeSpan.FromHours(1)).OfType<StopRun>());
    }

    [Fact]
    [Trait("row", "63")]
    public void What_is_known_of_a_task_that_goes_is_known_still_to_those_who_ask_about_it()
    {
        Agenda agenda = New();
        ScheduledTask load = agenda.Add(Task("load", Never), Nine);
        ScheduledTask then = agenda.Add(Task("then", AfterSuccess("load") & TimeOfDay.After("10:00")), Nine);
        agenda.Order(load, new RunOrder { Source = "local", Id = "by hand" });
        Work work = Starts(agenda, Nine).Single();
        agenda.Ended(work, EventKind.Succeeded, false, Nine + TimeSpan.FromMinutes(1));
        agenda.Released(work);
        agenda.Remove(load);
        Assert.Equal(Nine + TimeSpan.FromHours(1), NextAfter(agenda, Nine + TimeSpan.FromMinutes(2)));
        Assert.Equal("then", Assert.Single(Starts(agenda, Nine + TimeSpan.FromHours(1))).Definition.Name);
        agenda.Histories.Ask("load"); // the condition of the shutdown does, for good
        agenda.Remove(then);
        Assert.True(agenda.Histories.Concerns("load"));
        Assert.NotNull(agenda.Histories.Of("load").Last(RunAction.Succeeded));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.5, 15)]
    [InlineData(1, 30)]
    public void Jitter_puts_a_start_off_by_chance(double chance, int minutes)
    {
        Agenda agenda = New(chance: chance);
        agenda.Add(Task("load", Daily.After("10:00"), options => options.Jitter = TimeSpan.FromMinutes(30)), Nine);
        Assert.Empty(Starts(agenda, Nine));
        Instant due = Nine + TimeSpan.FromHours(1) + TimeSpan.FromMinutes(minutes);
        if (minutes > 0)
        {
            Assert.Empty(Starts(agenda, agenda.Next!.Value));
        }
        Assert.Equal(due, agenda.Next);
        Assert.Single(Starts(agenda, due));
    }

    [Fact]
    public void Jitter_never_leaves_the_window()
    {
        Agenda agenda = New(chance: 0.99);
        agenda.Add(Task("load", Daily.Between("10:00", "10:10"), options => options.Jitter = TimeSpan.FromHours(5)), Nine);
        Assert.Empty(Starts(agenda, Nine + TimeSpan.FromHours(1)));
        Assert.InRange((agenda.Next!.Value - Nine).TotalMinutes, 69, 69.99);
        Assert.Single(Starts(agenda, agenda.Next!.Value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_heap_gives_the_earliest_first_however_often_tasks_change_their_minds(int seed)
    {
        var random = new Random(seed);
        var heap = new InstantHeap();
        ScheduledTask[] tasks = [.. Enumerable.Range(0, 200).Select(n => new ScheduledTask(Task($"{n}", Never), Nine))];
        var wanted = new Dictionary<ScheduledTask, Instant>();
        for (int turn = 0; turn < 5000; turn++)
        {
            ScheduledTask task = tasks[random.Next(tasks.Length)];
            Instant? at = random.Next(4) == 0 ? null : new Instant(random.Next(1000));
            heap.Set(task, at);
            wanted.Remove(task);
            if (at is { } wake)
            {
                wanted[task] = wake;
            }
            Assert.Equal(wanted.Count == 0 ? null : wanted.Values.Min(), heap.Earliest);
        }
        for (Instant last = default; heap.TryTake(new Instant(2000), out ScheduledTask task);)
        {
            Assert.True(wanted.Remove(task, out Instant at) && at >= last);
            last = at;
        }
        Assert.Empty(wanted);
    }

    [Fact]
    public void A_run_that_ended_since_it_was_told_to_is_not_told_to_any_more()
    {
        Agenda agenda = New();
        agenda.Add(Task("load", Daily), Nine);
        Work work = Starts(agenda, Nine).Single();
        agenda.Stop(work, "terminated");
        agenda.Ended(work, EventKind.Succeeded, false, Nine + TimeSpan.FromSeconds(1));
        agenda.Released(work);
        Assert.Empty(agenda.Advance(Nine + TimeSpan.FromSeconds(2)).OfType<StopRun>());
    }

    Agenda New(Action<BelfryOptions>? configure = null, double chance = 0)
    {
        var options = new BelfryOptions { TimeZone = TimeZoneInfo.Utc };
        configure?.Invoke(options);
        return new Agenda(options, () => chance, () => $"run-{_ids++}") { Started = Nine };
    }

    static List<Work> Starts(Agenda agenda, Instant now) => [.. agenda.Advance(now).OfType<StartRun>().Select(move => move.Work)];

    static Instant? NextAfter(Agenda agenda, Instant now)
    {
        Assert.Empty(Starts(agenda, now));
        return agenda.Next;
    }

    static EventKind Fail(Agenda agenda, Work work, Instant at)
    {
        (EventKind kind, _) = agenda.Ended(work, EventKind.Failed, false, at);
        agenda.Released(work);
        return kind;
    }

    static TaskDefinition Task(string name, Condition start, Action<TaskOptions>? configure = null)
    {
        var options = new TaskOptions();
        configure?.Invoke(options);
        return new TaskDefinition { Name = name, Start = start, Handler = (_, _) => System.Threading.Tasks.Task.FromResult<object?>(null), Options = options };
    }
}
