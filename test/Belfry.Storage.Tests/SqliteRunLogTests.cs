namespace Belfry.Storage.Tests;

/// <summary>The suite on SQLite, and what only it can do.</summary>
public sealed class SqliteRunLogTests : RunLogTests
{
    [Fact]
    public async Task A_store_in_memory_does_the_same()
    {
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        TaskEvent[] life = [.. Plain(1)];
        await log.AppendAsync(life, TestContext.Current.CancellationToken);
        Assert.Equal(Fold.Rows(life), (await log.Queries.PageAsync(new RunFilter(), 10, null, null, TestContext.Current.CancellationToken)).Items);
    }

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The large logs on SQLite.</summary>
public sealed class SqliteLargeLogTests : LargeLogTests
{
    protected override int Runs => 70_000; // two written segments of keys and a tail

    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());

    [Fact]
    [Trait("row", "119")]
    public async Task A_million_runs_of_ten_days_are_listed_counted_reported_and_previewed_within_seconds()
    {
        const int runs = 1_000_000, days = 10, group = 10_000;
        await using var folder = new LogFolder();
        var clock = new ManualClock(DateTimeOffset.UnixEpoch.AddMicroseconds(At(0)));
        Instant begin = clock.Now - TimeSpan.FromDays(days);
        await using RunLog log = await folder.OpenAsync(clock: clock);
        for (int first = 0; first < runs; first += group)
        {
            await log.AppendAsync([.. Enumerable.Range(first, group).Select(n => new TaskEvent
            {
                Source = "s", Id = IdOf(n), Kind = n % 50 == 0 ? EventKind.Failed : EventKind.Succeeded, At = begin + TimeSpan.FromDays((double)days * n / runs),
                Task = $"app.tasks.job_{n % 97}", Runtime = n % 60, Exception = n % 50 == 0 ? "ValueError()" : null,
            })], TestContext.Current.CancellationToken);
        }
        RunQueries ask = log.Queries;
        var policy = new RetentionPolicy { Age = TimeSpan.FromDays(days - 1), FailureAge = TimeSpan.FromDays(30) };
        await WithinSecondsAsync(async () => Assert.Equal(50, (await ask.PageAsync(new RunFilter(), 50, null, null, TestContext.Current.CancellationToken)).Items.Count));
        await WithinSecondsAsync(async () => Assert.Equal(50, (await ask.PageAsync(new RunFilter { Tasks = ["app.tasks.job_5"], States = [RunState.Failed] }, 50, null, null, TestContext.Current.CancellationToken)).Items.Count));
        await WithinSecondsAsync(async () => Assert.Single(await ask.FindAsync(IdOf(123_456), null, TestContext.Current.CancellationToken)));
        await WithinSecondsAsync(async () => Assert.True((await ask.CountAsync(new RunFilter(), 10_000, null, TestContext.Current.CancellationToken)).More));
        await WithinSecondsAsync(async () => Assert.Equal(runs, (await ask.FiguresAsync(begin - TimeSpan.FromHours(1), clock.Now, [], TestContext.Current.CancellationToken)).Runs));
        await WithinSecondsAsync(async () => Assert.Equal((runs, 97), ((await ask.UsageAsync(TestContext.Current.CancellationToken)) is var usage ? (int)usage.Runs : 0, usage.Tasks.Count)));
        await WithinSecondsAsync(async () => Assert.InRange((await ask.PreviewAsync(policy, TestContext.Current.CancellationToken)).Runs, 97_000, 99_000));

        static async Task WithinSecondsAsync(Func<Task> asked)
        {
            long began = TimeProvider.System.GetTimestamp();
            await asked();
            Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0, 5); // some milliseconds on a quiet machine, but for the last two
        }
    }
}

/// <summary>Retention on SQLite.</summary>
public sealed class SqliteRetentionTests : RetentionTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Pages on SQLite.</summary>
public sealed class SqlitePagingTests : PagingTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The laws of the log on SQLite.</summary>
public sealed class SqliteLogLawTests : LogLawTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>Several processes on SQLite.</summary>
public sealed class SqliteProcessTests : ProcessTests
{
    protected override Task<LogStore> NewStoreAsync() => Task.FromResult<LogStore>(new LogFolder());
}
