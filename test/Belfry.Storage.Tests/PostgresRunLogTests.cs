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
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();

    protected override async Task<(long Runs, long Waiting)> CountAsync(LogStore store)
    {
        using RunQueries beside = await RunQueries.OpenAsync(store.Url, TimeProvider.System, Cancel);
        return (await beside.StatusAsync(Cancel)).TextIndex is { } index ? (index.Runs, index.Waiting) : (0, 0);
    }
}
