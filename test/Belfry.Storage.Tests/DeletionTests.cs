using Belfry.Storage.Sqlite;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>Runs that somebody deletes: they go with their figures, and do not come back. On both engines.</summary>
public abstract class DeletionTests
{
    static readonly RetentionPolicy Month = new() { Age = TimeSpan.FromDays(30), FailureAge = TimeSpan.FromDays(90) };
    readonly ManualClock _clock = new(new DateTimeOffset(2026, 6, 1, 12, 30, 0, TimeSpan.Zero));

    protected abstract Task<LogStore> NewStoreAsync();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "116")]
    public async Task What_is_chosen_goes_with_its_figures_and_everything_else_stays()
    {
        await using LogStore store = await NewStoreAsync();
        await using (RunLog log = await store.OpenAsync(options => options.Retention = Month, _clock))
        {
            await log.AppendAsync([.. Enumerable.Range(0, 700).SelectMany(n => Run($"a{n}", "shop.tasks.buy", n)), .. Enumerable.Range(0, 300).SelectMany(n => Run($"b{n}", "mail.tasks.send", n, n % 3 == 0 ? EventKind.Failed : EventKind.Succeeded))], Cancel);
            await log.AppendAsync([.. Run("c", "shop.tasks.other", 5), Event("open", "shop.tasks.buy", EventKind.Started, 1)], Cancel);
            Assert.Equal(0, await log.DeleteAsync(new RunChoice(Task: "shop.*"), Cancel)); // names are meant exactly
            Assert.Equal(700, await new RunChoice(Task: "shop.tasks.buy").CountAsync(log.Queries, Cancel));
            Assert.Equal(700, await log.DeleteAsync(new RunChoice(Task: "shop.tasks.buy"), Cancel));
            Assert.Equal(1, await log.DeleteAsync(new RunChoice(Id: "b1"), Cancel));
            Assert.Equal(1, await log.DeleteAsync(new RunChoice(App: "shop", Source: "s"), Cancel));
            Assert.Equal(0, await log.DeleteAsync(new RunChoice(Source: "nobody"), Cancel));
            Assert.Equal(300, (await log.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs); // 299 of mail, and the open one
            LogFigures figures = await log.Queries.FiguresAsync(_clock.Now - TimeSpan.FromDays(2), _clock.Now + TimeSpan.FromDays(1), [], Cancel);
            Assert.Equal(300, figures.Runs);
            Assert.Equal(["mail.tasks.send"], figures.Tasks.Where(task => task.Ended > 0).Select(task => task.Task));
            Assert.Null(await log.Queries.LastEndAsync("shop.tasks.buy", null, [RunState.Completed], Cancel));
            Assert.Equal("b2", (await log.Queries.LastEndAsync("mail.tasks.send", null, [RunState.Completed], Cancel))!.Id);

            // A late event of a deleted run is counted; the run is not there again.
            await log.AppendAsync([Event("a3", "shop.tasks.buy", EventKind.Submitted, 4)], Cancel);
            Assert.Empty(await log.Queries.FindAsync("a3", null, Cancel));
            Assert.Contains(await log.Queries.RefusalsAsync(Cancel), refusal => refusal.What == "event of a deleted run");
            // An id that is used again later is a new run.
            _clock.Advance(TimeSpan.FromHours(1));
            await log.AppendAsync([Event("a3", "shop.tasks.buy", EventKind.Started, 0), Event("a3", "shop.tasks.buy", EventKind.Succeeded, 0)], Cancel);
            Assert.Single(await log.Queries.FindAsync("a3", null, Cancel));
            Assert.Equal(300, await log.DeleteAsync(new RunChoice(), Cancel));
            Assert.Equal("open", Assert.Single((await log.Queries.PageAsync(new RunFilter(), 10, null, null, Cancel)).Items).Id);
        }
        RollupRepair checkedFigures = await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel);
        Assert.Equal(0, checkedFigures.Mended); // what is left of the figures is what is left of the rows
    }

    [Fact]
    [Trait("row", "116")]
    public async Task What_is_deleted_is_told_in_the_feed_and_of_many_that_there_were_many()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(options => options.Retention = Month, _clock);
        await log.AppendAsync([.. Enumerable.Range(0, 1300).SelectMany(n => Run($"a{n}", "shop.tasks.buy", n)), .. Run("b", "mail.tasks.send", 1)], Cancel);
        await using IAsyncEnumerator<RunChange> changes = log.Feed.ReadAsync(null, Cancel).GetAsyncEnumerator(Cancel);
        ValueTask<bool> next = changes.MoveNextAsync();
        Assert.Equal(1, await log.DeleteAsync(new RunChoice(Id: "b"), Cancel));
        Assert.True(await next);
        Assert.Equal(("b", "mail.tasks.send", null, false), (changes.Current.Gone?.Id, changes.Current.Gone?.Task, changes.Current.Run, changes.Current.Gap));
        Assert.Equal(1300, await log.DeleteAsync(new RunChoice(), Cancel));
        var told = new HashSet<string>();
        while (await changes.MoveNextAsync() && !changes.Current.Gap)
        {
            Assert.True(told.Add(changes.Current.Gone!.Id));
        }
        Assert.InRange(told.Count, 1, 1000);
    }

    [Fact]
    [Trait("row", "119")]
    public async Task The_oldest_go_first_so_that_the_last_run_of_a_task_is_looked_for_once()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(clock: _clock);
        // Many of one instant, and more than two pages.
        await log.AppendAsync([.. Enumerable.Range(0, 2500).SelectMany(n => Run($"a{n}", "shop.tasks.buy", n / 100)), .. Run("b", "mail.tasks.send", 3)], Cancel);
        var choice = new RunChoice(Task: "shop.tasks.buy");
        var pages = new List<IReadOnlyList<TaskRun>>();
        await foreach (IReadOnlyList<TaskRun> page in choice.FindAsync(log.Queries, Cancel))
        {
            pages.Add(page);
        }
        Assert.True(pages.Count > 2);
        Assert.All(pages.Zip(pages.Skip(1)), pair => Assert.True(pair.First.Max(run => run.At) <= pair.Second.Min(run => run.At)));
        Assert.Equal(2500, pages.SelectMany(page => page).DistinctBy(run => run.Id).Count());
        Assert.Equal(2500, pages.Sum(page => page.Count));
        Assert.Equal(2500, await log.DeleteAsync(choice, Cancel));
        Assert.Equal("b", Assert.Single((await log.Queries.PageAsync(new RunFilter(), 10, null, null, Cancel)).Items).Id);
    }

    [Fact]
    public async Task Of_lives_of_all_kinds_the_figures_are_those_of_the_rows_that_stay()
    {
        await using LogStore store = await NewStoreAsync();
        var random = new Random(5);
        await using (RunLog log = await store.OpenAsync())
        {
            TaskEvent[] told = [.. Enumerable.Range(0, 150).SelectMany(n => Lives.Random(random, $"life-{n}"))];
            random.Shuffle(told);
            await log.AppendAsync(told, Cancel);
            foreach (int n in Enumerable.Range(0, 150).Where(n => n % 2 == 0))
            {
                await log.DeleteAsync(new RunChoice(Id: $"life-{n}"), Cancel);
            }
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    IEnumerable<TaskEvent> Run(string id, string task, int minutes, EventKind end = EventKind.Succeeded) =>
        [Event(id, task, EventKind.Started, minutes + 2), Event(id, task, end, minutes + 1)];

    TaskEvent Event(string id, string task, EventKind kind, int minutesAgo) => new()
    {
        Source = "s", Id = id, Kind = kind, At = _clock.Now - TimeSpan.FromMinutes(minutesAgo), Task = task, Worker = "w1@lab", Queue = "celery", Exception = kind == EventKind.Failed ? "ValueError('x')" : null,
    };
}

/// <summary>Deletion on SQLite.</summary>
public sealed class SqliteDeletionTests : DeletionTests
{
    [Fact]
    public async Task The_last_trouble_of_a_task_is_looked_for_among_its_troubles_and_not_among_all_its_runs()
    {
        await using var folder = new LogFolder();
        await using (await folder.OpenAsync())
        {
        }
        using Database database = Database.Open(folder.File, create: false);
        foreach (RunState state in RunStates.All.Where(state => state.IsFinal() && state != RunState.Completed))
        {
            using Statement plan = database.PrepareOnce($"EXPLAIN QUERY PLAN {LastEnds.Ended(state)}");
            Assert.True(plan.Step());
            Assert.Contains("INDEX run_bad (name=? AND state=?)", plan.Text(3), StringComparison.Ordinal);
        }
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Deletion on PostgreSQL.</summary>
public sealed class PostgresDeletionTests(PostgresFixture postgres) : DeletionTests
{
    [Fact]
    [Trait("row", "116")]
    public async Task Another_process_hears_that_runs_were_deleted_and_loads_its_lists_anew()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using LogStore store = await NewStoreAsync();
        await using RunLog here = await store.OpenAsync(), there = await store.OpenAsync();
        Instant at = Instant.Now(TimeProvider.System) - TimeSpan.FromMinutes(1);
        await here.AppendAsync([new TaskEvent { Source = "s", Id = "r", Kind = EventKind.Succeeded, At = at, Task = "t" }], cancel);
        await using IAsyncEnumerator<RunChange> changes = there.Feed.ReadAsync(null, cancel).GetAsyncEnumerator(cancel);
        ValueTask<bool> next = changes.MoveNextAsync();
        Assert.Equal(1, await here.DeleteAsync(new RunChoice(Id: "r"), cancel));
        while (await next && !changes.Current.Gap)
        {
            Assert.Equal("r", changes.Current.Run?.Id); // that it came may still be on its way
            next = changes.MoveNextAsync();
        }
        Assert.True(changes.Current.Gap);
    }

    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}
