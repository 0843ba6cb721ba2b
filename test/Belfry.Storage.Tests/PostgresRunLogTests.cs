using Microsoft.Extensions.Logging;

namespace Belfry.Storage.Tests;

/// <summary>The suite on PostgreSQL.</summary>
public sealed class PostgresRunLogTests(PostgresFixture postgres) : RunLogTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>The large logs on PostgreSQL.</summary>
public sealed class PostgresLargeLogTests(PostgresFixture postgres) : LargeLogTests
{
    protected override int Runs => 40_000;

    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>Retention on PostgreSQL.</summary>
public sealed class PostgresRetentionTests(PostgresFixture postgres) : RetentionTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>Pages on PostgreSQL.</summary>
public sealed class PostgresPagingTests(PostgresFixture postgres) : PagingTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>The laws of the log on PostgreSQL.</summary>
public sealed class PostgresLogLawTests(PostgresFixture postgres) : LogLawTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>Several processes on PostgreSQL.</summary>
public sealed class PostgresProcessTests(PostgresFixture postgres) : ProcessTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}

/// <summary>The full-text index on PostgreSQL.</summary>
public sealed class PostgresTextIndexTests(PostgresFixture postgres) : TextIndexTests
{
    [Fact]
    public async Task Who_may_not_make_the_extension_is_told_so_and_the_log_goes_on_without()
    {
        await using var store = (PostgresDatabase)await postgres.NewStoreAsync();
        string role = $"limited_{Guid.NewGuid():N}";
        await store.SqlAsync($"CREATE ROLE {role} LOGIN PASSWORD 'limited'; CREATE SCHEMA belfry AUTHORIZATION {role}");
        var url = new UriBuilder(store.FullUrl) { UserName = role, Password = "limited" };
        using var warnings = new Warnings();
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(url.Uri.ToString()), new RunLogOptions { FullTextIndex = true }, TimeProvider.System, warnings, Cancel))
        {
            string warning = await warnings.First.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            Assert.Contains("There is no full-text index", warning, StringComparison.Ordinal);
            Assert.Contains("pg_trgm cannot be made", warning, StringComparison.Ordinal);
            Assert.StartsWith("there is none: the database lacks the extension pg_trgm", (await log.Queries.StatusAsync(Cancel)).TellTextIndex(true), StringComparison.Ordinal);
            await log.AppendAsync([new TaskEvent { Source = "s", Id = "1", Kind = EventKind.Succeeded, At = new Instant(1_785_000_000_000_000), Task = "import", Result = "invoice" }], Cancel);
            Assert.Single((await log.Queries.PageAsync(new RunFilter { Text = "invoice" }, 10, null, null, Cancel)).Items);
        }
        await store.SqlAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
    }

    sealed class Warnings : ILoggerFactory, ILogger
    {
        public TaskCompletionSource<string> First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            First.TrySetResult(formatter(state, exception));

        public void Dispose()
        {
        }
    }

    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();

    protected override async Task<(long Runs, long Waiting)> CountAsync(LogStore store)
    {
        using RunQueries beside = await RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel);
        return (await beside.StatusAsync(Cancel)).TextIndex is { } index ? (index.Runs, index.IsUpToDate ? 0 : 1) : (0, 0);
    }
}
