using System.Diagnostics.CodeAnalysis;
using Belfry.Storage.Payloads;
using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Keeping;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Turns a group of events into one transaction. Everything it remembers is a cache of the store and can be read again.</summary>
sealed class GroupWriter : IDisposable
{
    readonly Store _store;
    readonly Database _database;
    readonly int _livesKept;
    readonly RetentionPolicy _retention;
    readonly RollupWriter _rollupWriter;
    readonly List<(TaskEvent Item, TrackedLife Life)> _ofEvents = []; // the group's, as the next two; emptied when it begins
    readonly List<TrackedLife> _touched = [];
    readonly List<RunChange> _changes = [];
    NameTable _names;
    RollupChanges _rollups;
    PayloadPacker _packer;
    RowCodec _codec;
    KeySegments _keys;
    OpenLives _open;
    FreeInstants _instants;
    LastEnds _lastEnds;
    Surroundings _surroundings;
    TooLate _tooLate;
    RunRows _rows;
    CalledRuns _called;
    WorkerMark? _mark; // from the first call for work on
    long _version;

    public GroupWriter(Store store, int livesKept, RetentionPolicy retention)
    {
        (_store, _database, _livesKept, _retention) = (store, store.Writer!, livesKept, retention);
        _rollupWriter = new RollupWriter(_database);
        _version = _database.Number("PRAGMA data_version");
        Remember();
    }

    /// <summary>Writes a group. When it throws, nothing of the group is stored, and it can be tried again.</summary>
    /// <returns>What changed; good until the next group.</returns>
    public IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, WorkOrders work, SideNotes notes, Instant now)
    {
        _changes.Clear();
        _touched.Clear();
        try
        {
            _database.Execute("BEGIN IMMEDIATE");
            ForgetWhatOthersChanged();
            _tooLate.Begin(now);
            FoldAll(group, now);
            Do(work, now);
            _surroundings.Write(notes, now);
            if (!_tooLate.Refused.IsEmpty)
            {
                _surroundings.Write(_tooLate.Refused, now);
            }
            _lastEnds.Write(_names);
            _rollupWriter.Write(_rollups, now);
            _keys.Flush();
            _rows.Settle();
            _open.Flush();
            _packer.Settle();
            _database.Execute("COMMIT");
            _open.Settle(_touched);
            _called.Settle();
            work.NextDue = _called.NextDue;
            return _changes;
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    /// <summary>Deletes ended runs and leaves their figures; those that became the last of their task, changed or opened again stay.</summary>
    /// <returns>How many were deleted.</returns>
    public int Delete(IReadOnlyList<ExpiredRun> runs, Instant now) => InTransaction(() =>
    {
        int deleted = 0;
        var hours = new HashSet<long>();
        foreach (ExpiredRun run in runs)
        {
            if (!_lastEnds.IsLast(run.Name, run.Source, run.State, run.Place) && !_open.IsOpen(run.Key) && run.TryDelete(_database))
            {
                deleted++;
                _keys.Remove(run.Key, parent: null, run.Place);
                _tooLate.Remember(run, now);
                hours.UnionWith(run.Hours);
            }
        }
        foreach (long hour in hours)
        {
            _database.Prepare("INSERT OR IGNORE INTO lacking(hour) VALUES(?)").Bind(1, hour).Run();
        }
        return deleted;
    });

    /// <summary>Deletes ended runs and takes them out of the figures; those that changed or opened again stay.</summary>
    /// <returns>Those that were deleted.</returns>
    public IReadOnlyList<TaskRun> Purge(IReadOnlyList<TaskRun> runs, RetentionPolicy policy, Instant now) => InTransaction(() =>
    {
        var deleted = new List<TaskRun>();
        foreach (TaskRun run in runs)
        {
            int source = _names.Number(NameKind.Source, run.Source);
            var key = RunKey.Of(run.Id, source);
            if (!_open.IsOpen(key) && RunPlaces.Find(_database, run, _names) is { } stored)
            {
                deleted.Add(stored.Row.Run);
                _rows.Delete(key, stored);
                _rollups.Change(stored.Row.Run, null);
                _tooLate.Remember(ExpiredRun.Of(stored.Row.Run, stored.Place, null, source, policy), now);
            }
        }
        _lastEnds.Write(_names);
        _rollupWriter.Write(_rollups, now);
        _keys.Flush();
        return deleted;
    });

    /// <summary>Deletes keys of a segment whose run is gone, and forgets the segment when it has no others.</summary>
    public int DeleteKeys(long segment, IReadOnlyList<(long Key, long At)> orphans) => InTransaction(() =>
    {
        int deleted = 0;
        Statement delete = _database.Prepare("DELETE FROM run_key WHERE key = ?1 AND at = ?2 AND NOT EXISTS(SELECT 1 FROM run WHERE run.at = ?2)");
        foreach ((long key, long at) in orphans)
        {
            delete.Bind(1, key).Bind(2, at).Run();
            deleted += _database.Changes;
        }
        _keys.DropIfEmpty(segment);
        return deleted;
    });

    /// <summary>Adds figures up to a key of a minute to the levels above, a piece at a time.</summary>
    /// <returns>Whether that is done.</returns>
    public bool AddUpFigures(long minutesDue) => InTransaction(() => _rollupWriter.AddUp(minutesDue));

    /// <summary>Deletes figures of a level below a key, a piece at a time; from then on none come back there.</summary>
    /// <returns>How many cells were deleted.</returns>
    public int ForgetFigures(RollupLevel level, long below) => InTransaction(() => _rollupWriter.Forget(level, below));

    /// <summary>Runs one statement beside the groups.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Run(string sql, long parameter) => InTransaction(() =>
    {
        _database.Prepare(sql).Bind(1, parameter).Run();
        return _database.Changes;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _mark?.Dispose();
    }

    void Forget()
    {
        _names.Dispose();
        _packer.Dispose();
    }

    /// <summary>
    /// Does what the work queue wants. An attempt that ended as it was put goes straight from one row to the other; whatever is less plain is told by
    /// events like any other run.
    /// </summary>
    void Do(WorkOrders work, Instant now)
    {
        if (work.IsEmpty)
        {
            return;
        }
        _mark ??= work.Asks.Count > 0 ? WorkerMark.Take(_store.Url) : null;
        FoldAll([_called.Do(work, now, Find, _changes)], now);
        FoldAll([_called.Claim(work, _mark, Find)], now);
        _called.Flush(Find);
        if (work.Counts.Count > 0)
        {
            work.Counted = _called.Count();
        }
    }

    /// <summary>The life of a called run, with the rows it has.</summary>
    TrackedLife Find(string id)
    {
        TrackedLife life = _open.Of(CallEvents.Source, id);
        _open.Load();
        _called.Touch(life);
        _touched.Add(life);
        return life;
    }

    void FoldAll(IReadOnlyList<IReadOnlyList<TaskEvent>> group, Instant now)
    {
        TakeAll(group, now); // with nothing to take, nothing is dirty
        foreach (TrackedLife life in _touched)
        {
            if (life.IsDirty)
            {
                Store(life);
            }
        }
    }

    /// <summary>Adds all events to their lives: first it is seen whose rows must be read, then they are read together.</summary>
    void TakeAll(IReadOnlyList<IReadOnlyList<TaskEvent>> group, Instant now)
    {
        _ofEvents.Clear();
        foreach (IReadOnlyList<TaskEvent> events in group)
        {
            for (int i = 0; i < events.Count; i++)
            {
                TaskEvent item = events[i];
                _surroundings.Hear(item, now);
                if (!item.Kind.IsAboutWorker())
                {
                    _ofEvents.Add((item, _open.Of(item.Source, item.Id)));
                }
            }
        }
        _open.Load();
        foreach ((TaskEvent item, TrackedLife life) in _ofEvents)
        {
            _called.Touch(life);
            Take(item, life);
        }
        _ofEvents.Clear();
    }

    void Take(TaskEvent item, TrackedLife life)
    {
        life.IsDirty |= !_tooLate.Refuses(item, life) && life.Life.Add(item);
        if (!life.IsTouched)
        {
            life.IsTouched = true;
            _touched.Add(life);
        }
    }

    void Store(TrackedLife life)
    {
        life.IsDirty = false;
        IReadOnlyList<FoldedRun> rows = life.Life.Fold();
        if (life.Rows.Count == 0 && _tooLate.Refuses(rows, life.Key, _keys))
        {
            return;
        }
        if (rows is [var only] && life.Rows.Count == 1 && life.Rows[0].Row.Run.Attempt == only.Run.Attempt)
        {
            life.Rows[0] = Store(life.Key, life.Rows[0], only);
            return;
        }
        var stored = new List<StoredRow>(rows.Count);
        int oldest = rows.Count == 0 ? 0 : rows[^1].Run.Attempt - Fold.AttemptsKept;
        foreach (FoldedRun row in rows)
        {
            int known = life.IndexOf(row.Run.Attempt);
            StoredRow? before = known < 0 ? null : life.Rows[known];
            if (known >= 0)
            {
                life.Rows.RemoveAt(known);
            }
            stored.Add(Store(life.Key, before, row));
        }
        foreach (StoredRow gone in life.Rows)
        {
            if (gone.Row.Run.Attempt > oldest)
            {
                Delete(life.Key, gone);
                _rollups.Change(gone.Row.Run, null);
                _changes.Add(new RunChange(0, null, gone.Row.Run, Gap: false));
            }
        }
        life.Rows = stored;
    }

    StoredRow Store(RunKey key, StoredRow? before, FoldedRun row)
    {
        if (before is { } known && known.Row.Run == row.Run && RowFacts.Same(known.Row.Facts, row.Facts))
        {
            return known;
        }
        _rollups.Change(before?.Row.Run, row.Run);
        _changes.Add(new RunChange(0, row.Run, null, Gap: false));
        long? at = RunRows.StandsAt(before, row.Run);
        if (before is { IsOpen: true } open && !row.Run.State.IsFinal())
        {
            return _called.See(_rows.Change(key, open, row));
        }
        if (before is { } gone)
        {
            Delete(key, gone);
        }
        return row.Run.State.IsFinal() ? _rows.End(key, at, row) : _called.See(_rows.Open(key, at, row));
    }

    void Delete(RunKey key, in StoredRow row)
    {
        _rows.Delete(key, row);
        if (row.IsOpen)
        {
            _called.Close(row.Place);
        }
    }

    T InTransaction<T>(Func<T> work)
    {
        try
        {
            _database.Execute("BEGIN IMMEDIATE");
            ForgetWhatOthersChanged();
            T result = work();
            _database.Execute("COMMIT");
            return result;
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    /// <summary>Another process may write the same file (a command with --store): then what is remembered here may be wrong.</summary>
    void ForgetWhatOthersChanged()
    {
        Statement ask = _database.Prepare("PRAGMA data_version");
        ask.Step();
        long version = ask.Int64(0);
        ask.Reset();
        if (version != _version)
        {
            _version = version;
            Forget();
            Remember();
        }
    }

    void RollBack()
    {
        try
        {
            _database.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has rolled back already, as it does when the disk is full
        }
        _rollups.Clear();
        _called.RollBack();
        _version = -1; // read everything again before the next group
    }

    [MemberNotNull(nameof(_names), nameof(_rollups), nameof(_packer), nameof(_codec), nameof(_keys), nameof(_open), nameof(_instants), nameof(_lastEnds), nameof(_surroundings), nameof(_tooLate), nameof(_rows), nameof(_called))]
    void Remember()
    {
        _names = new NameTable(_database);
        _rollups = new RollupChanges(_names.Number);
        _packer = new PayloadPacker(new DictionaryTable(_database));
        _codec = new RowCodec(_packer);
        _keys = new KeySegments(_database);
        _store.Seen = _keys.Seen;
        _open = new OpenLives(_database, _keys, _names, _livesKept);
        _instants = new FreeInstants(_database);
        _lastEnds = new LastEnds(_database);
        _surroundings = new Surroundings(_database, _names);
        _tooLate = new TooLate(_database, _retention);
        _rows = new RunRows(_database, _names, _codec, _keys, _open, _instants, _lastEnds);
        _called = new CalledRuns(_database, _names, _rows, _rollups, _open);
    }
}
