using System.Runtime.InteropServices;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// Turns a group of events into one transaction. Several processes may write one store; they never wait for each other in a circle:
/// 1. names, locks of a new source and partitions are made apart, each at once;
/// 2. the locks of the ids are taken, in the order of their numbers: from here to the commit nobody else reads or writes these runs;
/// 3. rows are changed;
/// 4. the lock of the figures is taken, and figures, last ends and surroundings are changed: what was really changed in step 3.
/// </summary>
sealed class GroupWriter(PostgresStore store, NpgsqlConnection connection, int livesKept, RetentionPolicy retention) : IDisposable
{
    readonly Lives _lives = new(store, livesKept);
    readonly Partitions _partitions = new(store);
    readonly PayloadPacker _packer = new(new DictionaryTable(store));
    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    readonly Dictionary<RunKey, List<TaskEvent>> _events = []; // the group's; emptied when it begins

    /// <summary>Writes a group. When it throws, nothing of the group is stored, and this writer is of no more use.</summary>
    public IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, SideNotes notes, Instant now)
    {
        var surroundings = new Surroundings(store.Names);
        Sort(group, surroundings, now);
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        _lives.Begin(connection, _events);
        var changes = new List<RunChange>();
        var rows = new RowChanges(_packer, store.Names);
        var ends = new LastEnds(store.Names);
        var rollups = new RollupChanges();
        var tooLate = new TooLate(retention, now);
        foreach (TrackedLife life in _lives.OfGroup)
        {
            Fold(life, tooLate, (before, after) =>
            {
                changes.Add(new RunChange(0, after?.Run, after is null ? before!.Value.Run : null, Gap: false));
                rollups.Change(before?.Run, after?.Run, task => store.Names.NumberOrNull(NameKind.Task, task));
                rows.Change(life.Key, before, after);
                ends.Change(life.Key, before?.Run, after?.Run);
            });
        }
        _partitions.Ensure(rows.DoneAt, now);
        Run([.. rows.ToCommands(), Commands.Of("UPDATE life_lock SET version = version + 1 WHERE id = ANY($1)", _lives.Held)]);
        Run([Commands.Of($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})")]);
        if (changes.Count > 0)
        {
            ends.Write(connection, _context);
            RollupWriter.AddStored(connection, rollups);
            Run(RollupWriter.ToCommands(rollups));
        }
        Run([.. surroundings.ToCommands(notes, now), .. surroundings.Refusals(tooLate.Refused)]);
        transaction.Commit();
        _lives.Settle();
        _packer.Settle();
        return changes;
    }

    public void Dispose()
    {
        _lives.Dispose();
        _packer.Dispose();
        _context.Dispose();
        connection.Dispose();
    }

    void Sort(IReadOnlyList<IReadOnlyList<TaskEvent>> group, Surroundings surroundings, Instant now)
    {
        _events.Clear();
        foreach (IReadOnlyList<TaskEvent> events in group)
        {
            foreach (TaskEvent item in events)
            {
                surroundings.Hear(item, now);
                if (!item.Kind.IsAboutWorker())
                {
                    var key = RunKey.Of(item.Id, store.Names.Number(NameKind.Source, item.Source));
                    ref List<TaskEvent>? ofRun = ref CollectionsMarshal.GetValueRefOrAddDefault(_events, key, out _);
                    (ofRun ??= new List<TaskEvent>(4)).Add(item);
                }
            }
        }
    }

    /// <summary>Adds a run's events and tells what that changes: a row and what it becomes, each null where there is none.</summary>
    void Fold(TrackedLife life, TooLate tooLate, Action<FoldedRun?, FoldedRun?> change)
    {
        bool news = false;
        foreach (TaskEvent item in _events[life.Key])
        {
            news |= !tooLate.Refuses(item, life) && life.Life.Add(item);
        }
        if (!news)
        {
            return;
        }
        IReadOnlyList<FoldedRun> rows = life.Life.Fold();
        if (tooLate.Refuses(rows, life))
        {
            return;
        }
        var stored = new List<FoldedRun>(rows.Count);
        int oldest = rows.Count == 0 ? 0 : rows[^1].Run.Attempt - Belfry.Fold.AttemptsKept;
        foreach (FoldedRun row in rows)
        {
            int known = life.Rows.FindIndex(other => other.Run.Attempt == row.Run.Attempt);
            if (known < 0)
            {
                change(null, row);
            }
            else if (life.Rows[known].Run != row.Run || !RowFacts.Same(life.Rows[known].Facts, row.Facts))
            {
                change(life.Rows[known], row);
            }
            stored.Add(row);
        }
        foreach (FoldedRun gone in life.Rows.Where(row => row.Run.Attempt > oldest && !rows.Any(other => other.Run.Attempt == row.Run.Attempt)))
        {
            change(gone, null);
        }
        life.Rows = stored;
    }

    void Run(IEnumerable<NpgsqlBatchCommand> commands)
    {
        using var batch = new NpgsqlBatch(connection);
        foreach (NpgsqlBatchCommand command in commands)
        {
            batch.BatchCommands.Add(command);
        }
        if (batch.BatchCommands.Count > 0)
        {
            batch.ExecuteNonQuery();
        }
    }
}
