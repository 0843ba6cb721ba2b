using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>The rows that a group takes away and puts into the three tables.</summary>
sealed class RowChanges(PostgresStore store) : IDisposable
{
    readonly PayloadPacker _packer = new(new DictionaryTable(store));

    // All of it is of the group in hand, and emptied by Begin.
    readonly RowPayload _payloads = new();
    readonly RowRefs[] _removed = [.. AddedRuns.Tables.Select(table => new RowRefs(table))], _touched = [.. AddedRuns.Tables.Select(table => new RowRefs(table))];
    readonly AddedRuns _added = new();
    readonly List<(RunValues Row, uint Version)> _changed = [];
    readonly RowRefs _guards = new("run_key");
    KeyChanges _keys = new();

    /// <summary>Days of the successes that are put in: their partitions must be there.</summary>
    public IReadOnlyCollection<int> Days => _added.Days;

    /// <summary>Begins anew: what was noted is written, or rolled back.</summary>
    public void Begin()
    {
        Array.ForEach(_removed, refs => refs.Clear());
        Array.ForEach(_touched, refs => refs.Clear());
        _added.Begin();
        _changed.Clear();
        _guards.Clear();
        _keys = new KeyChanges();
    }

    /// <summary>A row that changed, is new (before is null) or went away (after is null).</summary>
    public void Change(TrackedLife life, StoredRow? before, FoldedRun? after)
    {
        if (before is { Fold.Run.State: var was, Version: var version } && after is { Run.State: var now } open && !was.IsFinal() && !now.IsFinal())
        {
            _changed.Add((RunValues.Of(life.Key, open, _payloads, _packer, store.Names), version));
            return;
        }
        if (before is { } old)
        {
            _removed[AddedRuns.TableOf(old.Fold.Run.State)].Add(life.Key, old);
            _keys.Remove(life.Key, old.Fold.Run);
        }
        if (after is { } row)
        {
            _added.Add(RunValues.Of(life.Key, row, _payloads, _packer, store.Names));
            _keys.Put(life, row.Run);
        }
    }

    /// <summary>A row that stays as it is while others of its id change: it too gets a new version, so that two writers always meet.</summary>
    public void Touch(TrackedLife life, StoredRow row) => _touched[AddedRuns.TableOf(row.Fold.Run.State)].Add(life.Key, row);

    /// <summary>The guard of an id that has no rows any more.</summary>
    public void Touch(TrackedLife life, Guard guard) => _guards.Add(life.Key, 1, guard.At, guard.Version);

    /// <summary>The statements that change what is there, each with the number of rows that must be as they were.</summary>
    public IEnumerable<(NpgsqlBatchCommand Command, int Rows)> Checked()
    {
        if (_guards.Count > 0)
        {
            yield return (_guards.ToTouch(), _guards.Count);
        }
        foreach (RowRefs refs in _removed.Where(refs => refs.Count > 0))
        {
            yield return (refs.ToDelete(), refs.Count);
        }
        foreach (RowRefs refs in _touched.Where(refs => refs.Count > 0))
        {
            yield return (refs.ToTouch(), refs.Count);
        }
        if (_changed.Count > 0)
        {
            _changed.Sort((a, b) => (a.Row.Id, a.Row.Source, a.Row.Attempt).CompareTo((b.Row.Id, b.Row.Source, b.Row.Attempt))); // as those that go away
            yield return (RunValues.ToUpdate(_changed), _changed.Count);
        }
    }

    /// <summary>The keys that change besides.</summary>
    public IEnumerable<NpgsqlBatchCommand> Keys() => _keys.ToCommands();

    /// <summary>Puts in what is new, when the others found all that they should.</summary>
    public void Insert(NpgsqlConnection connection) => _added.Send(connection);

    /// <summary>After a commit: learns from what was packed.</summary>
    public void Settle() => _packer.Settle();

    public void Dispose() => _packer.Dispose();

    /// <summary>Keys of successes. That of the first attempt is the guard of its id, which is there already, mostly with the right instant.</summary>
    sealed class KeyChanges
    {
        readonly List<(Guid Id, int Source, long At)> _moved = [];
        readonly List<(Guid Id, int Source, int Attempt)> _removed = [];
        readonly List<(Guid Id, int Source, int Attempt, long At)> _added = [];

        public void Remove(RunKey key, TaskRun run)
        {
            if (run is { State: RunState.Completed, Attempt: > 1 })
            {
                _removed.Add((Uuids.Of(key.Bits), key.Source, run.Attempt));
            }
        }

        public void Put(TrackedLife life, TaskRun run)
        {
            if (run.State != RunState.Completed)
            {
                return;
            }
            if (run.Attempt > 1)
            {
                _added.Add((Uuids.Of(life.Key.Bits), life.Key.Source, run.Attempt, run.At.Micros));
            }
            else if (life.Guard!.Value.At != run.At.Micros)
            {
                _moved.Add((Uuids.Of(life.Key.Bits), life.Key.Source, run.At.Micros));
                life.Guard = life.Guard.Value with { At = run.At.Micros };
            }
        }

        public IEnumerable<NpgsqlBatchCommand> ToCommands()
        {
            if (_removed.Count > 0)
            {
                yield return Commands.Of(
                    "DELETE FROM run_key AS key USING unnest($1, $2, $3) AS gone(id, source, attempt) WHERE key.id = gone.id AND key.source = gone.source AND key.attempt = gone.attempt",
                    _removed.ConvertAll(key => key.Id), _removed.ConvertAll(key => key.Source), _removed.ConvertAll(key => key.Attempt));
            }
            if (_moved.Count > 0)
            {
                yield return Commands.Of(
                    "UPDATE run_key AS key SET at = moved.at FROM unnest($1, $2, $3) AS moved(id, source, at) WHERE key.id = moved.id AND key.source = moved.source AND key.attempt = 1",
                    _moved.ConvertAll(key => key.Id), _moved.ConvertAll(key => key.Source), _moved.ConvertAll(key => key.At));
            }
            if (_added.Count > 0)
            {
                yield return Commands.Of(
                    "INSERT INTO run_key(id, source, attempt, at) SELECT * FROM unnest($1, $2, $3, $4)",
                    _added.ConvertAll(key => key.Id), _added.ConvertAll(key => key.Source), _added.ConvertAll(key => key.Attempt), _added.ConvertAll(key => key.At));
            }
        }
    }
}
