namespace Belfry.Storage.Tests;

/// <summary>Pages while somebody writes: on every engine.</summary>
public abstract class PagingTests
{
    const int Runs = 160, Tied = 10; // so many share an instant: clocks of a second or a millisecond are common

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<int, string> Walks => new MatrixTheoryData<int, string>([1, 4, 30], ["", "task:even", "state:failed", "state:running,completed", "worker:w1 -task:odd", "northgate"]);

    [Theory]
    [MemberData(nameof(Walks))]
    public async Task Pages_never_repeat_or_skip_a_run_whose_instant_did_not_change_while_runs_come_end_and_come_again(int size, string search)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(options => options.GroupWait = TimeSpan.Zero);
        await log.AppendAsync([.. Enumerable.Range(0, Runs).SelectMany(n => Begin(n))], Cancel);
        var random = new Random(size);
        var filter = new RunFilter { Text = search };
        for (int walk = 0; walk < 3; walk++)
        {
            Dictionary<(string, int), TaskRun> steady = (await AllAsync(log, filter)).ToDictionary(Identity);
            await using IAsyncEnumerator<RunChange> changes = log.Feed.ReadAsync(null, Cancel).GetAsyncEnumerator(Cancel);
            ValueTask<bool> first = changes.MoveNextAsync();
            List<TaskRun> walked = await WalkWhileWritingAsync(log, filter, size, random);
            Assert.True(await first);
            await ForgetMovedAsync(log, changes, $"{(3 * Runs) + walk}", filter, steady);
            Assert.NotEmpty(steady);
            foreach (TaskRun run in steady.Values)
            {
                Assert.Equal((Identity(run), 1), (Identity(run), walked.Count(other => Identity(other) == Identity(run))));
            }
        }
    }

    [Theory]
    [InlineData(3, "")]
    [InlineData(40, "state:running,completed")]
    public async Task Pages_never_repeat_or_skip_a_run_whose_instant_did_not_change_while_somebody_writes_at_the_same_time(int size, string search)
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync(options => options.GroupWait = TimeSpan.Zero);
        await log.AppendAsync([.. Enumerable.Range(0, Runs).SelectMany(n => Begin(n))], Cancel);
        var filter = new RunFilter { Text = search };
        for (int walk = 0; walk < 3; walk++)
        {
            Dictionary<(string, int), TaskRun> steady = (await AllAsync(log, filter)).ToDictionary(Identity);
            await using IAsyncEnumerator<RunChange> changes = log.Feed.ReadAsync(null, Cancel).GetAsyncEnumerator(Cancel);
            ValueTask<bool> first = changes.MoveNextAsync();
            using var walked = new CancellationTokenSource();
            Task writing = Task.Run(() => WriteUntilAsync(log, new Random(walk), walked.Token), Cancel);
            Assert.True(await first); // it writes
            List<TaskRun> seen = await WalkAsync(log, filter, size);
            await walked.CancelAsync();
            await writing;
            await ForgetMovedAsync(log, changes, $"{(3 * Runs) + walk}", filter, steady);
            Assert.NotEmpty(steady);
            Assert.All(steady.Values, run => Assert.Single(seen, other => Identity(other) == Identity(run)));
        }
    }

    protected abstract Task<LogStore> NewStoreAsync();

    /// <summary>Appends and finishes runs, a few at a time and as fast as they are committed.</summary>
    static async Task WriteUntilAsync(RunLog log, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await log.AppendAsync([.. Change(random.Next(Runs / 2), random), .. Begin(random.Next(Runs, 2 * Runs)), .. Change(random.Next(Runs, 2 * Runs), random)], Cancel);
        }
    }

    static async Task<List<TaskRun>> WalkAsync(RunLog log, RunFilter filter, int size)
    {
        var walked = new List<TaskRun>();
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(filter, size, cursor, null, Cancel);
            walked.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);
        return walked;
    }

    /// <summary>Reads what changed meanwhile, up to a run that is appended now, and strikes out those runs that moved, went away or do not belong any more.</summary>
    static async Task ForgetMovedAsync(RunLog log, IAsyncEnumerator<RunChange> changes, string last, RunFilter filter, Dictionary<(string, int), TaskRun> steady)
    {
        await log.AppendAsync([Event(int.Parse(last), EventKind.Received, 0)], Cancel);
        for (; changes.Current.Run?.Id != last; Assert.True(await changes.MoveNextAsync()))
        {
            Assert.False(changes.Current.Gap);
            TaskRun run = (changes.Current.Run ?? changes.Current.Gone)!;
            bool stays = changes.Current.Run is not null && filter.ToPredicate()(run) && steady.TryGetValue(Identity(run), out TaskRun? known) && known.At == run.At;
            _ = stays || steady.Remove(Identity(run));
        }
    }

    /// <summary>A page, then some events, until there are no more pages.</summary>
    static async Task<List<TaskRun>> WalkWhileWritingAsync(RunLog log, RunFilter filter, int size, Random random)
    {
        var walked = new List<TaskRun>();
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(filter, size, cursor, null, Cancel);
            walked.AddRange(page.Items);
            cursor = page.Next;
            IEnumerable<TaskEvent> near = page.Items.TakeLast(2).Select(run => run.Id).Distinct().SelectMany(id => Change(int.Parse(id), random));
            await log.AppendAsync([.. near, .. Change(random.Next(Runs), random), .. Begin(random.Next(Runs, 2 * Runs))], Cancel);
        }
        while (cursor is not null);
        return walked;
    }

    static async Task<List<TaskRun>> AllAsync(RunLog log, RunFilter filter)
    {
        RunPage page = await log.Queries.PageAsync(filter, 1000, null, null, Cancel);
        Assert.Null(page.Next);
        return [.. page.Items];
    }

    static IEnumerable<TaskEvent> Begin(int n)
    {
        yield return Event(n, EventKind.Received, 0) with { Args = n % 3 == 0 ? "('Northgate',)" : "()", Attempt = 1 };
        if (n % 4 > 0)
        {
            yield return Event(n, EventKind.Started, 0);
        }
        if (n % 4 > 1)
        {
            yield return Event(n, n % 5 == 0 ? EventKind.Failed : EventKind.Succeeded, 3);
        }
    }

    /// <summary>It ends, starts, is told again with other words, starts earlier than was known, or is retried.</summary>
    static IEnumerable<TaskEvent> Change(int n, Random random) => random.Next(6) switch
    {
        0 or 1 => [Event(n, random.Next(3) == 0 ? EventKind.Failed : EventKind.Succeeded, 5)],
        2 => [Event(n, EventKind.Started, 0)],
        3 => [Event(n, EventKind.Succeeded, 3) with { Result = $"'{random.Next(10)}'" }],
        4 => [Event(n, EventKind.Started, -random.Next(3))],
        _ => [Event(n, EventKind.Received, 8) with { Attempt = 2 }, Event(n, EventKind.Retried, 7)],
    };

    static TaskEvent Event(int n, EventKind kind, long after) => new()
    {
        Source = "s", Id = $"{n}", Kind = kind, At = new Instant(1_795_000_000_000_000 + (n / Tied * 4) + after), Task = n % 2 == 0 ? "even" : "odd", Worker = n % 7 < 4 ? "w1" : "w2",
    };

    static (string Id, int Attempt) Identity(TaskRun run) => (run.Id, run.Attempt);
}
