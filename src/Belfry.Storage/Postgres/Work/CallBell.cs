using Npgsql;

namespace Belfry.Storage.Postgres.Work;

/// <summary>Rings when another process has put or given back calls: PostgreSQL tells it at their commit. While the connection is lost, the log looks by itself.</summary>
sealed class CallBell(PostgresStore store, TimeProvider clock, Action ring) : IDisposable
{
    /// <summary>The statement that rings it everywhere, when the transaction commits.</summary>
    public const string Ring = "NOTIFY belfry_call";

    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource _stopping = new();
    Task? _listening;

    /// <summary>Listens from now on.</summary>
    public void Begin() => _listening ??= Task.Run(ListenAsync);

    public void Dispose()
    {
        _stopping.Cancel();
        _listening?.Wait();
        _stopping.Dispose();
    }

    async Task ListenAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await using NpgsqlConnection connection = await store.ConnectAsync(_stopping.Token);
                await using (var listen = new NpgsqlCommand("LISTEN belfry_call", connection))
                {
                    await listen.ExecuteNonQueryAsync(_stopping.Token);
                }
                while (true)
                {
                    await connection.WaitAsync(_stopping.Token);
                    ring();
                }
            }
            catch (Exception) // whatever it is, the next connection may stand
            {
                await Task.Delay(Pause, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
