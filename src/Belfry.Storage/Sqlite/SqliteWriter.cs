using Belfry.Storage.Keeping;
using Belfry.Storage.Sqlite.Keeping;
using Belfry.Storage.Sqlite.Texts;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite;

/// <summary>Writes groups to SQLite, and owns the file.</summary>
sealed class SqliteWriter : ILogWriter
{
    /// <summary>So many open runs stay in memory by default.</summary>
    public const int LivesKept = 20_000;

    readonly Store _store;
    readonly GroupWriter _groups;
    readonly Checkpoints? _checkpoints; // a store in memory needs none

    public SqliteWriter(Store store, int livesKept, RetentionPolicy retention)
    {
        _store = store;
        try
        {
            _groups = new GroupWriter(store, livesKept, retention);
            _checkpoints = store.Url.Path is { } path ? new Checkpoints(path, store.Writer!) : null;
        }
        catch (SqliteException refused)
        {
            store.Dispose();
            throw new StoreException($"{store.Url} cannot be read: {refused.Problem}", refused);
        }
    }

    public bool IsShared => false;

    public IReadOnlyList<string> DeadProcesses => []; // who starts tasks upon a file is the only one

    public Action Rung
    {
        set => _ = value; // nobody rings
    }

    public IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, WorkOrders work, SideNotes notes, Instant now)
    {
        try
        {
            return _store.Write(_ => _groups.Write(group, work, notes, now));
        }
        catch (SqliteException refused) when (refused.IsDamage)
        {
            throw new StoreDamagedException(refused.Problem, refused);
        }
        catch (SqliteException refused) when (!refused.IsOurFault)
        {
            throw new StoreUnavailableException(refused.Problem, refused);
        }
    }

    public Task<RetentionResult> RetainAsync(RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel) =>
        new Retention(_store, _groups, policy, now).RunAsync(writing, cancel);

    public IAsyncEnumerable<IReadOnlyList<TaskRun>> DeleteAsync(IReadOnlyList<TaskRun> runs, RetentionPolicy policy, Instant now, Chores writing, CancellationToken cancel) =>
        new Retention(_store, _groups, policy, now).DeleteAsync(runs, writing, cancel);

    public ITableEngine Tables(Chores lane) => new SqliteTables(_store, lane);

    public ITextIndex Texts(Chores lane, bool wanted) => new TextIndex(_store, lane, wanted);

    public void Dispose()
    {
        _groups.Dispose();
        _checkpoints?.Dispose();
        _store.Dispose();
    }
}
