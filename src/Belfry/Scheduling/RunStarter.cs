namespace Belfry;

/// <summary>Starts runs that were decided: first they are claimed, which writes their start into the log, then they run.</summary>
sealed class RunStarter(SchedulerParts parts, RunDiary diary, SchedulerLoop loop)
{
    const int Largest = 500; // claimed together: so many wait for one commit, and the first need not wait for the last of 100,000
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    readonly List<Work> _starting = []; // of this turn; emptied by Go

    /// <summary>Takes a run up; one that is to run on the loop itself runs now.</summary>
    public ValueTask StartAsync(Work work)
    {
        if (work.Definition.Options.Execution == Execution.Inline)
        {
            return new ValueTask(StartAsync([work]));
        }
        _starting.Add(work);
        return ValueTask.CompletedTask;
    }

    /// <summary>Starts what was taken up. Each of these ends with a message to the loop, which waits for it.</summary>
    public void Go()
    {
        foreach (Work[] some in _starting.Chunk(Largest))
        {
            _ = Task.Run(() => StartAsync(some));
        }
        _starting.Clear();
    }

    async Task StartAsync(Work[] works)
    {
        IReadOnlyList<bool> granted;
        try
        {
            granted = await diary.ClaimAsync([.. works.Select(Claim)], CancellationToken.None);
        }
        catch (Exception failure)
        {
            loop.Fail(failure);
            granted = [.. works.Select(_ => false)];
        }
        for (int i = 0; i < works.Length; i++)
        {
            Work work = works[i];
            Task done = granted[i] ? RunAsync(work) : RefuseAsync(work);
            if (granted[i] && work.Definition.Options.Execution == Execution.Inline)
            {
                await done;
            }
        }
    }

    async Task RunAsync(Work work)
    {
        RunOutcome outcome;
        try
        {
            outcome = await parts.Run(work.Definition, await OrderOfAsync(work), report => Report(work, report), work.Stop.Token);
        }
        catch (Exception unforeseen)
        {
            outcome = new RunOutcome { Kind = EventKind.Failed, Exception = $"{unforeseen.GetType().FullName}: {unforeseen.Message}", Traceback = unforeseen.ToString() };
        }
        loop.Post(() => loop.Ended(work, outcome));
    }

    /// <summary>Somebody else started it, or, where the log is shared, it cannot be read: then in a while again.</summary>
    async Task RefuseAsync(Work work)
    {
        TaskHistory? known = null;
        try
        {
            Dictionary<string, Instant> wanted = await loop.AskAsync(agenda => agenda.Histories.Wanted([work.Definition.Name], Instant.Now(parts.Clock)));
            known = (await parts.Log.HistoriesAsync(wanted, CancellationToken.None)).GetValueOrDefault(work.Definition.Name, TaskHistory.None);
        }
        catch (Exception)
        {
            await Task.Delay(Pause, parts.Clock);
        }
        loop.Post(() => loop.Refused(work, known ?? work.Task.History.Without(work.Run)));
    }

    /// <summary>A run that goes on after a restart has the arguments of its first attempt, where the log shows them.</summary>
    async Task<RunOrder> OrderOfAsync(Work work)
    {
        if (work.Order.Attempt == 1 || work.Order.Args is not null || work.Order.Kwargs is not null)
        {
            return work.Order;
        }
        TaskRun? first = await parts.Log.FirstAsync(RunQuery.Where(RunFields.Source == work.Order.Source, RunFields.Id == work.Order.Id), CancellationToken.None);
        if (first is not null && !Again.ShowsArguments(first))
        {
            throw new UnpreparedException("the log does not show all arguments of the run, because they are private, secret, nested or too long, and nobody else knows them after a restart");
        }
        return work.Order with { Args = first?.Args, Kwargs = first?.Kwargs, Parent = first?.Parent, Root = first?.Root };
    }

    RunClaim Claim(Work work) => new(RunEvents.Started(work.Definition, work.Order, parts.Options.ProcessName, work.Started), work.LastStart, work.IsByHand);

    void Report(Work work, TaskEvent report)
    {
        if (work.Report(report))
        {
            loop.Post(() => loop.Told(work.TakeReports()));
        }
    }
}
