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
