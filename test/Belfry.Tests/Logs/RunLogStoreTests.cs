using Belfry.Tests.Folding;

namespace Belfry.Tests.Logs;

/// <summary>What every log must do, ours or a user's: derive from it and say how an empty one is opened.</summary>
public abstract class RunLogStoreTests
{
    protected static readonly Instant Noon = Instant.From(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>An empty log.</summary>
    protected abstract Task<IRunLogStore> OpenAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("row", "46")]
    public async Task Any_shuffle_told_twice_gives_the_rows_of_the_pure_function(int seed)
    {
        await using IRunLogStore log = await OpenAsync();
        var random = new Random(seed);
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 60).Select(n => Lives.Random(random, $"id-{n}")).Where(life => life.Count > 0)];
        List<TaskEvent> told = [.. lives.SelectMany(life => life), .. lives.SelectMany(life => life).Where(_ => random.Next(5) == 0)];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(told));
        foreach (TaskEvent[] batch in told.Chunk(7))
        {
            await log.AppendAsync(batch, Cancel);
        }
        foreach (List<TaskEvent> life in lives)
        {
            IReadOnlyList<TaskRun> rows = await log.ListAsync(RunQuery.Where(RunFields.Id == life[0].Id), Cancel);
            Assert.Equal(Fold.Rows(life), rows.OrderBy(run => run.Attempt));
        }
    }

    [Fact]
    [Trait("row", "46")]
    public async Task Every_comparison_finds_what_it_says_and_its_count_agrees()
    {
        await using IRunLogStore log = await OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 20).SelectMany(n => Run("load", n, n % 5 == 0 ? EventKind.Failed : EventKind.Succeeded))], Cancel);
        await log.AppendAsync([.. Enumerable.Range(0, 3).SelectMany(n => Run("send", n, EventKind.Cancelled, "timeout"))], Cancel);
        await log.AppendAsync([Start("send", 30)], Cancel);
        async Task FindsAsync(int expected, params RunTerm[] terms)
        {
            IReadOnlyList<TaskRun> found = await log.ListAsync(RunQuery.Where(terms), Cancel);
            Assert.Equal(expected, found.Count);
            Assert.Equal(expected, await log.CountAsync(RunQuery.Where(terms), Cancel));
            Assert.All(found, run => Assert.True(RunQuery.Where(terms).Matches(run)));
            Assert.Equal(found.OrderByDescending(run => run.At).Select(run => run.Id), found.Select(run => run.Id));
        }
        await FindsAsync(24);
        await FindsAsync(20, RunFields.Task == "load");
        await FindsAsync(4, RunFields.Task != "load");
        await FindsAsync(24, RunFields.Task.In("load", "send", "nobody"));
        await FindsAsync(0, RunFields.Task == "loa");
        await FindsAsync(4, RunFields.State == RunState.Failed);
        await FindsAsync(7, RunFields.State.In(RunState.Failed, RunState.Cancelled));
        await FindsAsync(16, RunFields.Task == "load", RunFields.State != RunState.Failed);
        await FindsAsync(5, RunFields.Task == "load", RunFields.Started < Minute(5));
        await FindsAsync(6, RunFields.Task == "load", RunFields.Started <= Minute(5));
        await FindsAsync(14, RunFields.Task == "load", RunFields.Started > Minute(5));
        await FindsAsync(15, RunFields.Task == "load", RunFields.Started >= Minute(5));
        await FindsAsync(6, RunFields.Task == "load", RunFields.At.Between(Minute(5), Minute(10)));
        await FindsAsync(1, RunFields.At > Minute(25));
        await FindsAsync(1, RunFields.State == RunState.Running);
        await FindsAsync(3, RunFields.Reason == "timeout");
        await FindsAsync(10, RunFields.Task == "load", RunFields.Runtime >= 10.0);
        await FindsAsync(20, RunFields.Worker == "host/1", RunFields.Task == "load", RunFields.Source == "local");
    }

    [Fact]
    [Trait("row", "46")]
    public async Task First_last_and_limit_go_by_the_instant_of_a_run()
    {
        await using IRunLogStore log = await OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 9).Reverse().SelectMany(n => Run("load", n, EventKind.Succeeded))], Cancel);
        RunQuery loads = RunQuery.Where(RunFields.Task == "load");
        Assert.Equal(Minute(0), (await log.FirstAsync(loads, Cancel))!.Started);
        Assert.Equal(Minute(8), (await log.LastAsync(loads, Cancel))!.Started);
        Assert.Null(await log.FirstAsync(RunQuery.Where(RunFields.Task == "nobody"), Cancel));
        Assert.Equal([Minute(8), Minute(7)], (await log.ListAsync(loads with { Limit = 2 }, Cancel)).Select(run => run.At));
        Assert.Equal([Minute(0), Minute(1)], (await log.ListAsync(loads with { Limit = 2, OldestFirst = true }, Cancel)).Select(run => run.At));
        Assert.Equal(9, await log.CountAsync(loads with { Limit = 2 }, Cancel));
    }

    [Fact]
    [Trait("row", "47")]
    [Trait("row", "45")]
    public async Task The_last_run_that_did_something_is_told_for_each_thing_that_runs_do()
    {
        await using IRunLogStore log = await OpenAsync();
        EventKind[] ends = [EventKind.Succeeded, EventKind.Failed, EventKind.Cancelled, EventKind.Skipped, EventKind.Lost, EventKind.Succeeded, EventKind.Failed];
        await log.AppendAsync([.. ends.SelectMany((kind, n) => Run("load", n, kind))], Cancel);
        await log.AppendAsync([Start("load", 20), .. Run("other", 40, EventKind.Succeeded)], Cancel);
        async Task<string?> LastAsync(RunAction action) => (await log.LastAsync("load", action, Cancel))?.Id;
        Assert.Equal("load-20", await LastAsync(RunAction.Started));
        Assert.Equal("load-5", await LastAsync(RunAction.Succeeded));
        Assert.Equal("load-6", await LastAsync(RunAction.Failed));
        Assert.Equal("load-2", await LastAsync(RunAction.Terminated));
        Assert.Equal("load-3", await LastAsync(RunAction.Skipped));
        Assert.Equal("load-4", await LastAsync(RunAction.Lost));
        Assert.Equal("load-6", await LastAsync(RunAction.Ended));
        await log.AppendAsync([Start("load", 6) with { At = Minute(6) + TimeSpan.FromSeconds(50), Kind = EventKind.Succeeded }], Cancel);
        Assert.Equal("load-6", await LastAsync(RunAction.Succeeded)); // a success beats a failure, and it is the later one now
        Assert.Equal("load-1", await LastAsync(RunAction.Failed));
        Assert.Null(await log.LastAsync("nobody", RunAction.Started, Cancel));
        TaskRun failed = (await log.ListAsync(RunQuery.Where(RunFields.Id == "load-1"), Cancel)).Single();
        Assert.Equal(("load", 1, Minute(1), Minute(1) + TimeSpan.FromSeconds(1), 1.0), (failed.Task, failed.Attempt, failed.Started, failed.Finished, failed.Runtime));
        Assert.Equal("Boom: no", failed.Exception);
    }

    [Fact]
    [Trait("row", "50")]
    public async Task A_history_has_what_the_next_start_depends_on_however_old_and_the_rest_since_an_instant()
    {
        await using IRunLogStore log = await OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 30).SelectMany(n => Run("load", n, n == 3 ? EventKind.Failed : EventKind.Succeeded))], Cancel);
        await log.AppendAsync([Start("open", 0), .. Run("other", 7, EventKind.Succeeded)], Cancel);
        IReadOnlyDictionary<string, TaskHistory> histories = await log.HistoriesAsync(
            new Dictionary<string, Instant> { ["load"] = Minute(25), ["open"] = Minute(50), ["nobody"] = default }, Cancel);
        Assert.Equal(["load", "open"], histories.Keys.Order());
        bool Holds(string task, string condition) => Condition.Parse(condition).Holds(new ConditionContext { Now = Minute(60), Own = histories[task] });
        Assert.True(Holds("load", "has succeeded >= 5 & has succeeded < 15 & has failed == 1 & !is running"));
        Assert.True(Holds("load", "every 31 min & !every 32 min")); // the last started in minute 29
        Assert.True(Holds("open", "is running == 1"));
    }

    [Fact]
    [Trait("row", "68")]
    public async Task Of_two_claims_upon_the_same_last_start_one_succeeds()
    {
        await using IRunLogStore log = await OpenAsync();
        Assert.Equal([true, true], await log.ClaimAsync([new RunClaim(Start("load", 0), null), new RunClaim(Start("send", 0), null)], Cancel));
        Assert.Equal([false], await log.ClaimAsync([new RunClaim(Start("load", 1), null)], Cancel));
        Assert.Equal([true], await log.ClaimAsync([new RunClaim(Start("load", 2), Minute(0))], Cancel));
        bool[][] granted = await Task.WhenAll(Enumerable.Range(3, 20)
            .Select(n => Task.Run(async () => (await log.ClaimAsync([new RunClaim(Start("load", n), Minute(2))], Cancel)).ToArray())));
        Assert.Equal(1, granted.Count(one => one[0]));
        Assert.Equal(3, await log.CountAsync(RunQuery.Where(RunFields.Task == "load"), Cancel));
    }

    [Fact]
    [Trait("row", "50")]
    public async Task Who_watches_is_told_of_each_change_in_order_until_he_stops()
    {
        await using IRunLogStore log = await OpenAsync();
        var told = System.Threading.Channels.Channel.CreateUnbounded<LogChange>();
        using (log.Watch(change => told.Writer.TryWrite(change)))
        {
            await log.AppendAsync([Start("load", 0)], Cancel);
            await log.AppendAsync(Run("load", 0, EventKind.Succeeded), Cancel);
            Assert.Equal(RunState.Running, (await told.Reader.ReadAsync(Cancel)).Run!.State);
            Assert.Equal(RunState.Completed, (await told.Reader.ReadAsync(Cancel)).Run!.State);
        }
        await log.AppendAsync(Run("load", 1, EventKind.Succeeded), Cancel);
        Assert.False(told.Reader.TryRead(out _));
    }

    protected static Instant Minute(int minutes) => Noon + TimeSpan.FromMinutes(minutes);

    protected static TaskEvent Start(string task, int minutes) => new()
    {
        Source = "local", Id = $"{task}-{minutes}", Kind = EventKind.Started, At = Minute(minutes), Task = task, Attempt = 1, Worker = "host/1",
    };

    protected static TaskEvent[] Run(string task, int minutes, EventKind end, string? reason = null) =>
    [
        Start(task, minutes),
        Start(task, minutes) with
        {
            Kind = end, At = Minute(minutes) + TimeSpan.FromSeconds(Math.Max(1, minutes)), Reason = reason, Exception = end == EventKind.Failed ? "Boom: no" : null,
        },
    ];
}
