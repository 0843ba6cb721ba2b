using System.Runtime.InteropServices;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Work;
using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// Turns a group of events into one transaction. Several processes may write one store; they never wait for each other in a circle:
/// 1. names and partitions are made apart, each at once;
/// 2. starts are granted in the order of the tasks, and calls put in that of their keys; of calls that are taken those are skipped that another has in hand;
/// 3. the guards of new ids are made, in the order of the ids; those that cannot be made lead to what is stored;
/// 4. rows are changed that still have the version which was folded on, table by table and in the order of the ids;
/// 5. the lock of the figures is taken, and figures, last ends and surroundings are changed: what was really changed in step 4.
/// Where a row of step 4 has another version, somebody else was first: all is rolled back, and folded again on what is there now.
/// </summary>
sealed class GroupWriter(PostgresStore store, NpgsqlConnection connection, TouchedRuns touched, CalledRuns calls, int livesKept, RetentionPolicy retention) : IDisposable
{
    readonly Lives _lives = new(store, livesKept);
    readonly Partitions _partitions = new(store);
    readonly RowChanges _rows = new(store);
    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    readonly Dictionary<RunKey, List<TaskEvent>> _events = []; // the group's; emptied when it begins

    /// <summary>Writes a group. When it throws, nothing of the group is stored, and this writer is of no more use.</summary>
    /// <exception cref="OvertakenException">Another process wrote some of these runs; this writer can try again.</exception>
    public IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, WorkOrders work, SideNotes notes, Instant now)
    {
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        try
        {
            List<TaskEvent> told = calls.Do(connection, work, now);
            var surroundings = new Surroundings(store.Names);
            Sort(told.Count > 0 ? [.. group, told] : group, surroundings, now);
            bool any = _events.Count > 0 || group.Count > 0 || !notes.IsEmpty;
            List<(RunKey, RunChange Change)> changes = any ? Write(surroundings, notes, now) : [];
            transaction.Commit();
            if (any)
            {
                _lives.Settle();
                _rows.Settle();
            }
            return changes.ConvertAll(change => change.Change);
        }
        catch (Exception refused)
        {
            calls.RollBack();
            if (refused is OvertakenException)
            {
                transaction.Rollback();
                _lives.ForgetGroup();
            }
            throw;
        }
    }

    public void Dispose()
    {
        _lives.Dispose();
        _rows.Dispose();
        _context.Dispose();
        connection.Dispose();
    }

    List<(RunKey, RunChange)> Write(Surroundings surroundings, SideNotes notes, Instant now)
    {
        var tooLate = new TooLate(retention, now);
        uint version = _lives.Begin(connection, _events, tooLate);
        var changes = new List<(RunKey, RunChange)>();
        _rows.Begin();
        var ends = new LastEnds(store.Names);
        var rollups = new RollupChanges(store.Names.Number);
        foreach (TrackedLife life in _lives.OfGroup)
        {
            Compare(life, tooLate, version, (before, after) =>
            {
                changes.Add((life.Key, new RunChange(0, after?.Run, after is null ? before!.Value.Fold.Run : null, Gap: false)));
                rollups.Change(before?.Fold.Run, after?.Run);
                _rows.Change(life, before, after);
                ends.Change(life.Key, before?.Fold.Run, after?.Run);
            });
        }
        _partitions.Ensure(_rows.Days, now);
        RunExactly([.. _rows.Checked()]);
        _rows.Insert(connection);
        var locked = Commands.Of($"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.FiguresLock})");
        Run(changes.Count > 0 ? [.. _rows.Keys(), locked, touched.ToCommand(changes)] : [.. _rows.Keys(), locked]);
        if (changes.Count > 0)
        {
            ends.Write(connection, _context);
            new RollupWriter(connection).Write(rollups, now);
        }
        Run([.. surroundings.ToCommands(notes, now), .. surroundings.Refusals(tooLate.Refused)]);
        return changes;
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

    /// <summary>Tells what the events of a life change: a row and what it becomes, each null where there is none.</summary>
    void Compare(TrackedLife life, TooLate tooLate, uint version, Action<StoredRow?, FoldedRun?> change)
    {
        if (life.Folded is not { } rows || tooLate.Refuses(rows, life))
        {
            return;
        }
        int oldest = rows.Count == 0 ? 0 : rows[^1].Run.Attempt - Belfry.Fold.AttemptsKept;
        var untouched = new List<StoredRow>();
        bool any = false;
        foreach (FoldedRun row in rows)
        {
            int known = life.Rows.FindIndex(other => other.Fold.Run.Attempt == row.Run.Attempt);
            if (known >= 0 && life.Rows[known].Fold.Run == row.Run && RowFacts.Same(life.Rows[known].Fold.Facts, row.Facts))
            {
                untouched.Add(life.Rows[known]);
                continue;
            }
            change(known < 0 ? null : life.Rows[known], row);
            any = true;
        }
        foreach (StoredRow stored in life.Rows.Where(stored => !rows.Any(row => row.Run.Attempt == stored.Fold.Run.Attempt)))
        {
            if (stored.Fold.Run.Attempt <= oldest)
            {
                untouched.Add(stored);
                continue;
            }
            change(stored, null);
            any = true;
        }
        if (any)
        {
            untouched.ForEach(row => _rows.Touch(life, row));
            if (life is { Rows.Count: 0, Guard: { } guard } && guard.Version != version)
            {
                _rows.Touch(life, guard);
            }
            life.Settle(rows, version);
        }
    }

    /// <summary>Runs statements that must each find as many rows as they were written for.</summary>
    /// <exception cref="OvertakenException">One did not.</exception>
    void RunExactly((NpgsqlBatchCommand Command, int Rows)[] commands)
    {
        Run(commands.Select(one => one.Command));
        if (commands.Any(one => (int)one.Command.RecordsAffected != one.Rows))
        {
            throw new OvertakenException();
        }
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
