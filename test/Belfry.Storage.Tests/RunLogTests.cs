using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>What is appended is what is found, in whatever order, batches and memory: on every engine.</summary>
public abstract class RunLogTests
{
    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 100_000)]
    [InlineData(2, 3)]
    [InlineData(3, 0)]
    [Trait("row", "102")]
    public async Task Any_shuffle_in_any_batches_with_the_map_cleared_at_random_gives_the_rows_of_the_pure_function(int seed, int livesInMemory)
    {
        await using LogStore store = await NewStoreAsync();
        var random = new Random(seed);
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 150).Select(n => Lives.Random(random, IdOf(random, n)))];
        List<TaskEvent> told = [.. lives.SelectMany(life => life), .. lives.SelectMany(life => life).Where(_ => random.Next(5) == 0)];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(told));
        RunLog log = await store.OpenAsync(options => options.OpenRunsInMemory = livesInMemory);
        for (int at = 0; at < told.Count;)
        {
            int size = random.Next(1, 40);
            await log.AppendAsync(told.GetRange(at, Math.Min(size, told.Count - at)), Cancel);
            at += size;
            if (random.Next(8) == 0)
            {
                await log.DisposeAsync();
                log = await store.OpenAsync(options => options.OpenRunsInMemory = livesInMemory);
            }
        }
        foreach (List<TaskEvent> life in lives.Where(life => life.Count > 0))
        {
            IReadOnlyList<TaskRun> found = await log.Queries.FindAsync(life[0].Id, null, Cancel);
            Assert.Equal(Fold.Rows(life), found);
        }
        await using (log)
        {
            await RollupsEqualRowsAsync(log, lives);
        }
        Assert.Equal(0, (await StoreUpkeep.CheckRollupsAsync(store.Url, Cancel)).Mended);
    }

    [Fact]
    public async Task A_page_is_newest_first_and_walks_all_runs_once()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var random = new Random(5);
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 80).Select(n => Lives.Random(random, IdOf(random, n)))];
        await log.AppendAsync([.. lives.SelectMany(life => life)], Cancel);
        TaskRun[] expected = [.. lives.SelectMany(Fold.Rows).OrderByDescending(run => run.At)];
        var walked = new List<TaskRun>();
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(new RunFilter(), 7, cursor, null, Cancel);
            walked.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(expected.Length, walked.Count);
        Assert.Equal(expected.Select(run => run.At).ToHashSet(), walked.Select(run => run.At).ToHashSet());
        Assert.Equal(walked.Count, walked.Select(run => (run.Source, run.Id, run.Attempt)).Distinct().Count());
        Assert.All(walked.Zip(walked.Skip(1)), pair => Assert.True(pair.First.At.Micros >= pair.Second.At.Micros - 1000));
    }

    [Fact]
    public async Task Runs_of_one_instant_are_all_there_open_and_ended()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        TaskEvent Started(int n) => new() { Source = "s", Id = $"{n}", Kind = EventKind.Started, At = new Instant(1_795_000_000_000_000), Task = "t" };
        await log.AppendAsync([.. Enumerable.Range(0, 3000).Select(Started)], Cancel);
        await log.AppendAsync([.. Enumerable.Range(1000, 4000).Select(n => Started(n) with { Kind = EventKind.Succeeded })], Cancel);
        Assert.Equal(5000, (await log.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs);
        Assert.Equal(4000, (await log.Queries.CountAsync(new RunFilter { States = [RunState.Completed] }, 10_000, null, Cancel)).Runs);
        Assert.Equal(new Instant(1_795_000_000_000_000), (await log.Queries.FindAsync("4999", null, Cancel)).Single().At);
    }

    [Theory]
    [InlineData("task:report", 40)]
    [InlineData("task:r*t", 40)]
    [InlineData("task:nothing", 0)]
    [InlineData("state:Failed", 4)]
    [InlineData("state:Failed,Completed task:report", 40)]
    [InlineData("worker:w2", 20)]
    [InlineData("exception:ValueError", 4)]
    [InlineData("q:NORTHGATE", 4)]
    [InlineData("q:\"north gate\"", 0)]
    [InlineData("q:=", 0)] // a byte of the stored runtime of half a second
    [InlineData("q:id-3", 11)]
    [InlineData("q:state:failed id-3", 1)]
    [InlineData("q:state:failed OR id-39", 5)]
    [InlineData("q:NOT (worker:w1 OR id-39)", 19)]
    [InlineData("q:-state:failed", 36)]
    [InlineData("q:-northgate", 36)]
    [InlineData("q:value*gate", 4)]
    [InlineData("q:\"\"", 40)]
    [InlineData("q:runtime>1500ms", 19)]
    [InlineData("q:attempt>1", 0)]
    [InlineData("q:args:\"(1\" queue:cel*", 40)]
    [InlineData("q:started<2026-11-01", 0)]
    [InlineData("q:task:report,other exception:Value*", 4)]
    [InlineData("runtime:1.5", 19)]
    public async Task A_filter_finds_what_it_says_and_its_count_agrees(string what, int expected)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await log.AppendAsync([.. Enumerable.Range(0, 40).SelectMany(Plain)], Cancel);
        RunFilter filter = FilterOf(what);
        RunPage page = await log.Queries.PageAsync(filter, 1000, null, null, Cancel);
        Assert.Equal(expected, page.Items.Count);
        Assert.Equal(new RunCount(expected, false), await log.Queries.CountAsync(filter, 10_000, null, Cancel));
        RunPage all = await log.Queries.PageAsync(new RunFilter(), 1000, null, null, Cancel);
        Assert.Equal(page.Items, all.Items.Where(filter.ToPredicate()));
    }

    [Fact]
    public async Task Figures_of_a_span_count_what_ended_in_it_and_nothing_else()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var noon = Instant.From(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
        TaskEvent End(int minutes, EventKind kind) => new()
        {
            Source = "s", Id = $"{minutes}-{kind}", Kind = kind, At = noon + TimeSpan.FromMinutes(minutes), Task = minutes % 2 == 0 ? "even" : "odd", Runtime = 2,
        };
        await log.AppendAsync([.. Enumerable.Range(-200, 400).Select(n => End(n, n % 10 == 0 ? EventKind.Failed : EventKind.Succeeded))], Cancel);
        LogFigures hour = await log.Queries.FiguresAsync(noon, noon + TimeSpan.FromMinutes(59), [], Cancel);
        Assert.Equal((noon, 60, 60L, 6L), (hour.From, hour.BucketSeconds, hour.Runs, hour.Bad));
        Assert.Equal(60, hour.Buckets.Count);
        Assert.Equal(noon, hour.Buckets[0].At);
        Assert.Equal([("even", 30L, 6L), ("odd", 30L, 0L)], hour.Tasks.Select(task => (task.Task, task.Ended, task.Bad)));
        Assert.InRange(hour.P95Runtime!.Value, 1.96, 2.04);
        Assert.Equal(30, (await log.Queries.FiguresAsync(noon, noon + TimeSpan.FromMinutes(59), ["odd"], Cancel)).Runs);
        Assert.Equal(400, (await log.Queries.FiguresAsync(noon - TimeSpan.FromDays(1), noon + TimeSpan.FromDays(1), [], Cancel)).Runs);
        Assert.Equal(0, (await log.Queries.FiguresAsync(noon + TimeSpan.FromDays(1), noon + TimeSpan.FromDays(2), [], Cancel)).Runs);
    }

    [Fact]
    public async Task The_latest_run_of_a_task_is_of_that_task_to_the_letter_and_of_its_context()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        TaskEvent End(string id, string task, long at, string? type = null) => new()
        {
            Source = "s", Id = id, Kind = EventKind.Succeeded, At = new Instant(at), Task = task, Context = type is null ? null : new RunContext("m", type, "1"),
        };
        await log.AppendAsync([End("a", "send*", 100, "hourly"), End("b", "sender", 200), End("c", "send*", 150)], Cancel);
        Task<TaskRun?> LatestAsync(long from, long to, string? type) =>
            log.Queries.LatestAsync("send*", null, new Instant(from), new Instant(to), type is null ? null : new RunContext("m", type, null), Cancel);
        Assert.Equal("c", (await LatestAsync(0, 300, null))!.Id);
        Assert.Equal("a", (await LatestAsync(0, 300, "hourly"))!.Id);
        Assert.Equal("a", (await LatestAsync(100, 100, null))!.Id);
        Assert.Null(await LatestAsync(101, 149, null));
        Assert.Null(await LatestAsync(0, 300, "daily"));
    }

    [Fact]
    public async Task The_last_end_of_a_task_is_known_by_state_and_a_revoked_run_is_no_failure()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        TaskEvent End(string id, EventKind kind, long at, string? reason = null) =>
            new() { Source = "s", Id = id, Kind = kind, At = new Instant(at), Task = "t", Reason = reason };
        await log.AppendAsync([End("a", EventKind.Succeeded, 100), End("b", EventKind.Cancelled, 200, "timeout"), End("c", EventKind.Cancelled, 300, "revoked"), End("d", EventKind.Succeeded, 50)], Cancel);
        Assert.Equal("a", (await log.Queries.LastEndAsync("t", null, [RunState.Completed], Cancel))!.Id);
        Assert.Equal("b", (await log.Queries.LastEndAsync("t", null, [RunState.Completed, RunState.Failed, RunState.Lost, RunState.Cancelled], Cancel))!.Id);
        Assert.Null(await log.Queries.LastEndAsync("t", "elsewhere", [RunState.Completed], Cancel));
        Assert.Equal(["s"], await log.Queries.SourcesOfTaskAsync("t", Cancel));
        await log.AppendAsync([End("b", EventKind.Succeeded, 400)], Cancel);
        Assert.Equal("b", (await log.Queries.LastEndAsync("t", null, [RunState.Completed], Cancel))!.Id);
        Assert.Null(await log.Queries.LastEndAsync("t", null, [RunState.Cancelled], Cancel));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_last_end_of_a_task_is_right_whatever_is_told_late_and_whatever_goes(int seed)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var random = new Random(seed);
        EventKind[] kinds = [EventKind.Succeeded, EventKind.Failed, EventKind.Cancelled];
        var told = new Dictionary<string, List<TaskEvent>>();
        for (int round = 0; round < 40; round++)
        {
            List<TaskEvent> news = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => New())];
            foreach (TaskEvent one in news)
            {
                (told.TryGetValue(one.Id, out List<TaskEvent>? life) ? life : told[one.Id] = []).Add(one);
            }
            await log.AppendAsync(news, Cancel);
            TaskRun[] rows = [.. told.Values.SelectMany(Fold.Rows)];
            foreach (RunState[] states in (RunState[][])[[RunState.Completed], [RunState.Failed], [RunState.Cancelled], [RunState.Completed, RunState.Failed, RunState.Cancelled]])
            {
                Instant? last = rows.Where(run => states.Contains(run.State) && (run.State != RunState.Cancelled || run.Reason == "timeout")).Max(run => run.Finished);
                Assert.Equal(last, (await log.Queries.LastEndAsync("t", null, states, Cancel))?.Finished);
            }
        }

        TaskEvent New()
        {
            EventKind kind = random.Next(3) == 0 ? EventKind.Started : random.GetItems(kinds, 1)[0];
            var at = new Instant(1_795_000_000_000_000 + random.NextInt64(1_000_000_000));
            return new() { Source = "s", Id = $"{random.Next(60)}", Kind = kind, At = at, Task = "t", Reason = kind == EventKind.Cancelled ? random.GetItems(["timeout", "revoked"], 1)[0] : null };
        }
    }

    [Fact]
    public async Task Of_thousands_of_ids_asked_for_at_once_the_newest_attempts_are_those_found_one_by_one()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        var random = new Random(11);
        List<List<TaskEvent>> lives = [.. Enumerable.Range(0, 2500).Select(n => Lives.Random(random, IdOf(random, n)))];
        await log.AppendAsync([.. lives.SelectMany(life => life), .. lives[7].Select(item => item with { Source = "elsewhere" })], Cancel);
        string source = lives[0][0].Source;
        string[] ids = [.. lives.Where(life => life.Count > 0).Select(life => life[0].Id)];
        IReadOnlyDictionary<string, TaskRun> newest = await log.Queries.NewestAsync(source, [.. ids, "nobody", NewUuid(random), ids[3]], Cancel);
        Assert.Equal(ids.Order(), newest.Keys.Order());
        Assert.Contains(newest.Values, run => run.Attempt > 1);
        Assert.Contains(newest.Values, run => !run.State.IsFinal());
        Assert.All(lives.Where(life => life.Count > 0), life => Assert.Equal(Fold.Rows(life)[^1], newest[life[0].Id]));
        Assert.Equal([lives[7][0].Id], (await log.Queries.NewestAsync("elsewhere", ids, Cancel)).Keys);
        Assert.Empty(await log.Queries.NewestAsync("nowhere", ids, Cancel));
    }

    [Fact]
    public async Task What_is_concluded_about_the_runs_of_a_silent_worker_is_no_sign_of_its_life()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await log.AppendAsync([
            new() { Source = "s", Id = "", Kind = EventKind.WorkerHeartbeat, At = new Instant(1000), Worker = "w" },
            new() { Source = "s", Id = "a", Kind = EventKind.Received, At = new Instant(900), Task = "t", Worker = "w", Attempt = 1 },
            new() { Source = "s", Id = "b", Kind = EventKind.Started, At = new Instant(950), Task = "t", Worker = "w" }], Cancel);
        await log.AppendAsync([
            new() { Source = "s", Id = "a", Kind = EventKind.Requeued, At = new Instant(2000), Worker = "w", Reason = "worker gone", Attempt = 1 },
            new() { Source = "s", Id = "b", Kind = EventKind.Lost, At = new Instant(2000), Worker = "w", Reason = "worker gone", Attempt = 1 }], Cancel);
        Assert.Equal(new Instant(1000), Assert.Single(await log.Queries.WorkersAsync(Cancel)).LastBeat);
    }

    [Fact]
    public async Task What_changed_is_fed_after_the_commit_and_again_to_those_who_come_back()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await using IAsyncEnumerator<RunChange> live = log.Feed.ReadAsync(null, Cancel).GetAsyncEnumerator(Cancel);
        ValueTask<bool> next = live.MoveNextAsync();
        await log.AppendAsync([.. Plain(1)], Cancel);
        Assert.True(await next);
        Assert.Equal("id-1", live.Current.Run!.Id);
        await using IAsyncEnumerator<RunChange> back = log.Feed.ReadAsync(live.Current.Number - 1, Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await back.MoveNextAsync());
        Assert.Equal(live.Current, back.Current);
        await using IAsyncEnumerator<RunChange> late = log.Feed.ReadAsync(5, Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await late.MoveNextAsync());
        Assert.True(late.Current.Gap);
    }

    [Fact]
    public async Task Two_processes_may_write_the_same_store()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog one = await store.OpenAsync(), other = await store.OpenAsync();
        for (int n = 0; n < 20; n++)
        {
            TaskEvent[] life = [.. Plain(n)];
            await one.AppendAsync(life[..2], Cancel);
            await other.AppendAsync(life[1..], Cancel);
            await one.AppendAsync(life, Cancel);
            Assert.Equal(Fold.Rows(life), await one.Queries.FindAsync(life[0].Id, null, Cancel));
        }
    }

    protected abstract Task<LogStore> NewStoreAsync();

    protected static IEnumerable<TaskEvent> Plain(int n)
    {
        long at = 1_795_000_000_000_000 + (n * 1000);
        string worker = n % 2 == 0 ? "w1" : "w2";
        yield return new() { Source = "s", Id = $"id-{n}", Kind = EventKind.Submitted, At = new Instant(at), Task = "report", Queue = "celery", Args = "(1,)", Attempt = 1 };
        yield return new() { Source = "s", Id = $"id-{n}", Kind = EventKind.Received, At = new Instant(at + 10), Task = "report", Worker = worker, Args = "(1,)", Attempt = 1 };
        yield return new() { Source = "s", Id = $"id-{n}", Kind = EventKind.Started, At = new Instant(at + 20), Worker = worker };
        yield return n % 10 == 0
            ? new() { Source = "s", Id = $"id-{n}", Kind = EventKind.Failed, At = new Instant(at + 100), Worker = worker, Exception = "ValueError('Northgate')" }
            : new() { Source = "s", Id = $"id-{n}", Kind = EventKind.Succeeded, At = new Instant(at + 100), Worker = worker, Result = "1", Runtime = n < 22 ? 2.0 : 0.5 };
    }

    static RunFilter FilterOf(string what)
    {
        var filter = new RunFilter();
        foreach (string[] pair in what.Split(' ', what.StartsWith("q:", StringComparison.Ordinal) ? 1 : 2).Select(part => part.Split(':', 2)))
        {
            filter = pair[0] switch
            {
                "task" => filter with { Tasks = pair[1].Split(',') },
                "state" => filter with { States = [.. pair[1].Split(',').Select(RunStates.Parse)] },
                "worker" => filter with { Workers = [pair[1]] },
                "exception" => filter with { Exceptions = [pair[1]] },
                "runtime" => filter with { MinRuntime = TimeSpan.FromSeconds(double.Parse(pair[1], System.Globalization.CultureInfo.InvariantCulture)) },
                _ => filter with { Text = pair[1] },
            };
        }
        return filter;
    }

    protected static string IdOf(Random random, int n) => n % 7 == 0 ? $"plain-{n}" : NewUuid(random);

    static string NewUuid(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes).ToString();
    }

    protected static async Task RollupsEqualRowsAsync(RunLog log, List<List<TaskEvent>> lives)
    {
        TaskRun[] rows = [.. lives.SelectMany(Fold.Rows)];
        LogFigures figures = await log.Queries.FiguresAsync(new Instant(0), Instant.Now(TimeProvider.System) + TimeSpan.FromDays(1), [], Cancel);
        foreach (RunState state in RunStates.All)
        {
            Assert.Equal(rows.LongCount(run => run.State == state), figures.States.GetValueOrDefault(state));
        }
        Assert.Equal(rows.Count(run => run.State.IsFinal()), figures.Buckets.Sum(bucket => bucket.Ended));
        Assert.Equal(rows.Count(run => run.State.IsFinal() && run.Task is not null), figures.Tasks.Sum(task => task.Ended));
    }
}
