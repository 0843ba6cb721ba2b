using Belfry.Storage.Keeping;
using Belfry.Storage.Postgres.Keeping;
using Belfry.Storage.Postgres.Texts;
using Belfry.Storage.Postgres.Work;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres;

/// <summary>Writes groups to PostgreSQL on one connection, and makes a new one when it breaks.</summary>
sealed class PostgresWriter(PostgresStore store, int livesKept, RetentionPolicy retention, TimeProvider clock) : ILogWriter, ILogFollower
{
    /// <summary>So many open runs stay in memory by default.</summary>
    public const int LivesKept = 100_000;

    // Being overtaken means that somebody else got on: two who write the same runs without end do so by turns.
    const int MostTries = 5, MostOvertaken = 100;

    // Tables that were never analysed would else get plans that read them whole; the writer only ever looks up keys.
    const string Settings = "SET max_parallel_workers_per_gather = 0; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

    readonly TouchedRuns _touched = new(store, clock);
    readonly Presence _presence = new(store, clock);
    GroupWriter? _groups;
    CalledRuns? _calls;
    CallBell? _bell;
    Action _rung = () => { };

    public bool IsShared => true;

    public IReadOnlyList<string> DeadProcesses => [.. _presence.Dead.Select(process => process.Name)];

    public Action Rung
    {
        set => _rung = value;
    }

    public IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, WorkOrders work, SideNotes notes, Instant now)
    {
        _calls ??= new CalledRuns(store, _presence, _bell = new CallBell(store, clock, () => _rung()));
        for (int tries = 1; ; tries++)
        {
            try
            {
                _groups ??= new GroupWriter(store, Connect(), _touched, _calls, livesKept, retention);
                return _groups.Write(group, work, notes, now);
            }
            catch (OvertakenException) when (tries < MostOvertaken)
            {
                // The writer has forgotten what was not so, and begins again.
            }
            catch (PostgresException raced) when (IsRace(raced) && tries < MostTries)
            {
                Forget();
            }
            catch (NpgsqlException refused) when (!IsOurFault(refused))
            {
                Forget();
                throw new StoreUnavailableException(PostgresStore.ProblemOf(refused), refused);
            }
            catch
            {
                Forget();
                throw;
            }
        }
    }

    public IReadOnlyList<RunChange> Others()
    {
        try
        {
            return _touched.OthersAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (NpgsqlException refused)
        {
            throw new StoreException(PostgresStore.ProblemOf(refused), refused);
        }
    }

    public Task<RetentionResult> RetainAsync(RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel) =>
        new Retention(store, policy, now).RunAsync(cancel);

    public IAsyncEnumerable<IReadOnlyList<TaskRun>> DeleteAsync(IReadOnlyList<TaskRun> runs, RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel) =>
        new RunDeletion(store, new Retention(store, policy, now), _touched, policy, now).RunAsync(runs, cancel);

    public ITableEngine Tables(Chores lane) => new PostgresTables(store);

    public ITextIndex Texts(Chores lane, bool wanted) => new TextIndex(store, clock, wanted);

    public void Dispose()
    {
        Forget();
        _bell?.Dispose();
        _presence.Dispose();
        store.Dispose();
    }

    /// <summary>Another process was in the way: with fresh eyes it goes. The order of the writes makes this rare; it does not bind what others do by hand.</summary>
    public static bool IsRace(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.UniqueViolation;

    /// <summary>The values were refused, not the server missing: waiting would not help. Missing rights or tables are waited for: somebody can give them back.</summary>
    static bool IsOurFault(NpgsqlException refused) => refused is PostgresException { SqlState: { Length: 5 } state } && state[..2] is "21" or "22" or "23" or "54";

    NpgsqlConnection Connect()
    {
        NpgsqlConnection connection = store.Connect();
        try
        {
            using var command = new NpgsqlCommand(Settings, connection);
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    void Forget()
    {
        _groups?.Dispose();
        _groups = null;
    }
}
