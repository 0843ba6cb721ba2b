using Belfry.Storage.Leases;
using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>Leases as rows; the clock is the database's, so those of the servers may differ.</summary>
sealed class LeaseTable(PostgresStore store) : ILeaseTable
{
    const string Now = "(extract(epoch FROM clock_timestamp()) * 1000000)::int8";

    readonly Guid _holder = Guid.NewGuid();
    readonly string _host = $"{Environment.MachineName}, process {Environment.ProcessId}";

    public async Task<string?> TryTakeAsync(string name, TimeSpan term, CancellationToken cancel) => await AskAsync(
        $"""
        WITH taken AS (
          INSERT INTO lease(name, holder, host, until) VALUES($1, $2, $3, {Now} + $4)
          ON CONFLICT(name) DO UPDATE SET holder = excluded.holder, host = excluded.host, until = excluded.until
          WHERE lease.holder = excluded.holder OR lease.until < {Now} RETURNING 1)
        SELECT CASE WHEN EXISTS(SELECT 1 FROM taken) THEN NULL ELSE coalesce((SELECT host FROM lease WHERE name = $1), 'another server') END
        """,
        [name, _holder, _host, (long)term.TotalMicroseconds], cancel) as string;

    /// <summary>A server that uses the store at this moment; null when none does.</summary>
    public static string? AnyHolder(PostgresStore store) => store.Apart($"SELECT host FROM lease WHERE until > {Now} LIMIT 1", command => command.ExecuteScalar() as string);

    public Task ReleaseAsync(string name, CancellationToken cancel) => AskAsync("DELETE FROM lease WHERE name = $1 AND holder = $2", [name, _holder], cancel);

    async Task<object?> AskAsync(string sql, object[] parameters, CancellationToken cancel)
    {
        try
        {
            await using NpgsqlConnection connection = await store.ConnectAsync(cancel);
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (object value in parameters)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }
            return await command.ExecuteScalarAsync(cancel);
        }
        catch (NpgsqlException refused)
        {
            throw new StoreException($"{store.Url} cannot be reached: {PostgresStore.ProblemOf(refused)}", refused);
        }
    }
}
