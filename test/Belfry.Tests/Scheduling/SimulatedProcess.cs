namespace Belfry.Tests.Scheduling;

/// <summary>The real agenda over a real log, with a clock that jumps from one thing that happens to the next, and runs that only pretend to run.</summary>
sealed class SimulatedProcess(World world, IRunLogStore log)
{
    readonly PriorityQueue<Work, (Instant At, int Task)> _ends = new();
    int _ids;
    Agenda _agenda = null!;

    /// <summary>A log that keeps everything.</summary>
    public static MemoryLog NewLog() => new(
        new MemoryLogOptions { MostRuns = int.MaxValue / 2, Age = TimeSpan.FromDays(3650), FailureAge = TimeSpan.FromDays(3650) }, TimeProvider.System);

    public async Task PlayAsync()
    {
        Instant begin = world.Begin;
        foreach ((Instant at, TimeSpan length, bool crash) in world.Outages.Append((world.End, TimeSpan.Zero, true)))
        {
            if (at < begin)
            {
                continue;
            }
            await StartAsync(begin);
            Instant down = at < world.End ? at : world.End;
            await RunUntilAsync(begin, down);
            if (!crash)
            {
                await EndAllAsync(down);
            }
            _ends.Clear();
            begin = down + length;
            if (begin >= world.End)
            {
                break;
            }
        }
    }

    async Task StartAsync(Instant now)
    {
        _agenda = new Agenda(new BelfryOptions { TimeZone = TimeZoneInfo.Utc }, () => 0.5, () => $"run-{_ids++}") { Started = now };
        foreach (TaskDefinition task in world.Tasks)
        {
            _agenda.Add(task, world.Begin);
        }
        await Restore.FromAsync(_agenda, log, events => log.AppendAsync(events, CancellationToken.None), _ => true, now, CancellationToken.None);
    }

    async Task RunUntilAsync(Instant now, Instant end)
    {
        while (true)
        {
            while (_ends.TryPeek(out _, out (Instant At, int) next) && next.At <= now)
            {
                await EndAsync(_ends.Dequeue(), now);
            }
            if (now >= end)
            {
                return;
            }
            foreach (Move move in _agenda.Advance(now))
            {
                await DoAsync(move);
            }
            Instant following = end;
            following = _agenda.Next is { } wake ? Instant.Min(following, wake) : following;
            now = _ends.TryPeek(out _, out (Instant At, int) ending) ? Instant.Min(following, ending.At) : following;
        }
    }

    async Task DoAsync(Move move)
    {
        switch (move)
        {
            case StartRun { Work: var work }:
                _ends.Enqueue(work, (work.Started + world.Run(work.Task.Definition.Name, work.Started, work.Order.Attempt).Length, int.Parse(work.Task.Definition.Name[5..])));
                if (!(await log.ClaimAsync([new RunClaim(Event(work, EventKind.Started, work.Started), work.LastStart)], CancellationToken.None))[0])
                {
                    throw new InvalidOperationException($"the claim of {work.Task.Definition.Name} at {work.Started} was refused");
                }
                break;
            case BreakPromise { Failed: var run, Task: var task }:
                await log.AppendAsync([new TaskEvent
                {
                    Source = run.Key.Source, Id = run.Key.Id, Kind = EventKind.Failed, At = run.Ended!.Value, Attempt = run.Attempt, Task = task.Definition.Name, Worker = "me",
                }], CancellationToken.None);
                break;
            default:
                throw new InvalidOperationException($"{move}");
        }
    }

    async Task EndAsync(Work work, Instant now)
    {
        (_, EventKind kind, bool timedOut) = world.Run(work.Task.Definition.Name, work.Started, work.Order.Attempt);
        (EventKind logged, Instant at) = _agenda.Ended(work, kind, timedOut, now);
        await log.AppendAsync([Event(work, logged, at) with { Reason = timedOut ? "timeout" : null }], CancellationToken.None);
        _agenda.Released(work);
    }

    async Task EndAllAsync(Instant now)
    {
        foreach (Work work in _agenda.AtWork)
        {
            await log.AppendAsync([Event(work, EventKind.Cancelled, now) with { Reason = "shutdown" }], CancellationToken.None);
        }
    }

    static TaskEvent Event(Work work, EventKind kind, Instant at) => new()
    {
        Source = work.Order.Source, Id = work.Order.Id, Kind = kind, At = at, Attempt = work.Order.Attempt, Worker = "me", Task = work.Task.Definition.Name,
    };
}
