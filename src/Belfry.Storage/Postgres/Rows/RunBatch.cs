using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Rows of one table that a group puts there, column by column, as one statement takes them.</summary>
sealed class RunBatch(string table, string onConflict)
{
    readonly List<long> _at = [];
    readonly List<long?> _submitted = [], _received = [], _started = [], _finished = [];
    readonly List<Guid> _id = [];
    readonly List<Guid?> _parent = [], _root = [];
    readonly List<int?> _name = [], _worker = [], _queue = [], _exc = [], _app = [];
    readonly List<int> _source = [], _attempt = [];
    readonly List<short> _flags = [], _state = [], _redeliveries = [];
    readonly List<byte[]?> _payload = [];
    readonly string _sql = $"""
        INSERT INTO {table}({RunColumns.All})
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19){onConflict}
        """;

    /// <summary>A row that is there already is changed.</summary>
    public const string Replacing = """

         ON CONFLICT(id, source, attempt) DO UPDATE SET at = excluded.at, submitted = excluded.submitted, received = excluded.received,
          started = excluded.started, finished = excluded.finished, parent = excluded.parent, root = excluded.root, name = excluded.name,
          worker = excluded.worker, queue = excluded.queue, exc = excluded.exc, app = excluded.app, flags = excluded.flags,
          state = excluded.state, redeliveries = excluded.redeliveries, payload = excluded.payload
        """;

    /// <summary>How many rows.</summary>
    public int Count => _at.Count;

    /// <summary>Instants, ids, sources and attempts of the rows.</summary>
    public (List<long> At, List<Guid> Id, List<int> Source, List<int> Attempt) Keys => (_at, _id, _source, _attempt);

    public void Add(RunKey key, in FoldedRun row, RowPayload payloads, PayloadPacker packer, NameTable names)
    {
        TaskRun run = row.Run;
        RowFlags flags = PlainRow.FlagsOf(row);
        _at.Add(run.At.Micros);
        _submitted.Add(run.Submitted?.Micros);
        _received.Add(run.Received?.Micros);
        _started.Add(run.Started?.Micros);
        _finished.Add(run.Finished?.Micros);
        _id.Add(Uuids.Of(key.Bits));
        _parent.Add(Uuids.Of(run.Parent));
        _root.Add(flags.HasFlag(RowFlags.RootIsSelf) ? null : Uuids.Of(run.Root));
        _name.Add(names.NumberOrNull(NameKind.Task, run.Task));
        _worker.Add(names.NumberOrNull(NameKind.Worker, run.Worker));
        _queue.Add(names.NumberOrNull(NameKind.Queue, run.Queue));
        _exc.Add(names.NumberOrNull(NameKind.Exception, run.ExceptionClass));
        _app.Add(names.NumberOrNull(NameKind.App, run.App));
        _source.Add(key.Source);
        _attempt.Add(run.Attempt);
        _flags.Add((short)flags);
        _state.Add((short)run.State);
        _redeliveries.Add((short)Math.Min(run.Redeliveries, short.MaxValue));
        ReadOnlySpan<byte> payload = payloads.Write(row, flags, idsToo: true);
        // Open runs are short-lived: packing them would cost more than it saves.
        _payload.Add(payload.IsEmpty ? null : run.State.IsFinal() ? packer.Pack(payload).ToArray() : payload.ToArray());
    }

    /// <summary>The statement that puts the rows there.</summary>
    public NpgsqlBatchCommand ToCommand() => Commands.Of(
        _sql, _at, _submitted, _received, _started, _finished, _id, _parent, _root, _name, _worker, _queue, _exc, _app, _source, _attempt,
        _flags, _state, _redeliveries, _payload);
}

/// <summary>Statements with their parameters, for a batch.</summary>
static class Commands
{
    public static NpgsqlBatchCommand Of(string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (object? value in parameters)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
        }
        return command;
    }
}
