using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;
using Npgsql;
using NpgsqlTypes;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Rows of one table that a group puts there, column by column, as one statement takes them.</summary>
sealed class RunBatch(string table)
{
    readonly List<long> _at = [];
    readonly List<long?> _submitted = [], _received = [], _started = [], _finished = [];
    readonly List<Guid> _id = [];
    readonly List<Guid?> _parent = [], _root = [];
    readonly List<int?> _name = [], _worker = [], _queue = [], _exc = [], _app = [];
    readonly List<int> _source = [], _attempt = [];
    readonly List<short> _flags = [], _state = [], _redeliveries = [];
    readonly List<byte[]?> _payload = [];
    readonly List<uint> _version = []; // of the rows that are changed
    readonly string _insert = $"INSERT INTO {table}({RunColumns.All}) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    readonly string _update = $"""
        UPDATE {table} AS run SET at = new.at, submitted = new.submitted, received = new.received, started = new.started, finished = new.finished,
          parent = new.parent, root = new.root, name = new.name, worker = new.worker, queue = new.queue, exc = new.exc, app = new.app,
          flags = new.flags, state = new.state, redeliveries = new.redeliveries, payload = new.payload
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) AS new({RunColumns.All}, version)
        WHERE run.id = new.id AND run.source = new.source AND run.attempt = new.attempt AND run.xmin = new.version
        """;

    /// <summary>How many rows.</summary>
    public int Count => _at.Count;

    /// <summary>Instants of the rows.</summary>
    public IReadOnlyList<long> At => _at;

    /// <summary>Adds a row.</summary>
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

    /// <summary>Adds a row that is there already, in this version.</summary>
    public void AddChanged(RunKey key, in FoldedRun row, uint version, RowPayload payloads, PayloadPacker packer, NameTable names)
    {
        Add(key, row, payloads, packer, names);
        _version.Add(version);
    }

    /// <summary>The statement that puts the rows there.</summary>
    public NpgsqlBatchCommand ToInsert() => Commands.Of(
        _insert, _at, _submitted, _received, _started, _finished, _id, _parent, _root, _name, _worker, _queue, _exc, _app, _source, _attempt,
        _flags, _state, _redeliveries, _payload);

    /// <summary>The statement that changes rows that are still as they were; it tells how many those were.</summary>
    public NpgsqlBatchCommand ToUpdate() => Commands.Of(
        _update, _at, _submitted, _received, _started, _finished, _id, _parent, _root, _name, _worker, _queue, _exc, _app, _source, _attempt,
        _flags, _state, _redeliveries, _payload, Commands.Xids(_version));
}

/// <summary>Statements with their parameters, for a batch.</summary>
static class Commands
{
    /// <summary>Numbers of transactions; Npgsql cannot tell them from other numbers.</summary>
    public static NpgsqlParameter Xids(List<uint> numbers) => new() { Value = numbers, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Xid };

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
