using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>The rows that a group takes away and puts into the three tables.</summary>
sealed class RowChanges(PayloadPacker packer, NameTable names)
{
    readonly RowPayload _payloads = new();
    readonly Removal _fromOpen = new("run_open"), _fromKept = new("run_kept"), _fromDone = new("run_done"), _keys = new("run_key");
    readonly RunBatch _open = new("run_open", RunBatch.Replacing), _kept = new("run_kept", ""), _done = new("run_done", "");

    /// <summary>Instants of the successes that are put in: their partitions must be there.</summary>
    public IReadOnlyList<long> DoneAt => _done.Keys.At;

    /// <summary>A row that changed, is new (before is null) or went away (after is null).</summary>
    public void Change(RunKey key, FoldedRun? before, FoldedRun? after)
    {
        if (before is { Run: { } old } && (old.State.IsFinal() || after is not { Run: { } now } || now.State.IsFinal()))
        {
            (old.State == RunState.Completed ? _fromDone : old.State.IsFinal() ? _fromKept : _fromOpen).Add(key, old);
            if (old.State == RunState.Completed)
            {
                _keys.Add(key, old);
            }
        }
        if (after is { } row)
        {
            (row.Run.State == RunState.Completed ? _done : row.Run.State.IsFinal() ? _kept : _open).Add(key, row, _payloads, packer, names);
        }
    }

    /// <summary>The statements, in their order: first what goes away.</summary>
    public IEnumerable<NpgsqlBatchCommand> ToCommands()
    {
        foreach (Removal removal in (Removal[])[_fromOpen, _fromKept, _fromDone, _keys])
        {
            if (removal.Any)
            {
                yield return removal.ToCommand();
            }
        }
        foreach (RunBatch batch in (RunBatch[])[_open, _kept, _done])
        {
            if (batch.Count > 0)
            {
                yield return batch.ToCommand();
            }
        }
        if (_done.Count > 0)
        {
            (List<long> at, List<Guid> id, List<int> source, List<int> attempt) = _done.Keys;
            yield return Commands.Of("INSERT INTO run_key(at, id, source, attempt) SELECT * FROM unnest($1, $2, $3, $4)", at, id, source, attempt);
        }
    }

    /// <summary>Rows to take out of a table.</summary>
    sealed class Removal(string table)
    {
        readonly List<long> _at = [];
        readonly List<Guid> _id = [];
        readonly List<int> _source = [], _attempt = [];

        public bool Any => _at.Count > 0;

        public void Add(RunKey key, TaskRun run)
        {
            _at.Add(run.At.Micros);
            _id.Add(Uuids.Of(key.Bits));
            _source.Add(key.Source);
            _attempt.Add(run.Attempt);
        }

        public NpgsqlBatchCommand ToCommand() => Commands.Of(
            $"""
            DELETE FROM {table} USING unnest($1, $2, $3, $4) AS gone(gone_at, gone_id, gone_source, gone_attempt)
            WHERE at = gone_at AND id = gone_id AND source = gone_source AND attempt = gone_attempt
            """,
            _at, _id, _source, _attempt);
    }
}
