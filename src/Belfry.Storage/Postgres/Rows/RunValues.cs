using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>The values of a run's row, in the order of <see cref="RunColumns.All"/>: what is written and what is read.</summary>
sealed record RunValues(
    long At, long? Submitted, long? Received, long? Started, long? Finished, UInt128 Id, UInt128? Parent, UInt128? Root,
    int? Name, int? Worker, int? Queue, int? Exception, int? App, int Source, int Attempt, short Flags, short State, short Redeliveries, byte[]? Payload)
{
    static readonly string UpdateOpen = $"""
        UPDATE run_open AS run SET at = new.at, submitted = new.submitted, received = new.received, started = new.started, finished = new.finished,
          parent = new.parent, root = new.root, name = new.name, worker = new.worker, queue = new.queue, exc = new.exc, app = new.app,
          flags = new.flags, state = new.state, redeliveries = new.redeliveries, payload = new.payload
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) AS new({RunColumns.All}, version)
        WHERE run.id = new.id AND run.source = new.source AND run.attempt = new.attempt AND run.xmin = new.version
        """;

    public static RunValues Of(RunKey key, in FoldedRun row, RowPayload payloads, PayloadPacker packer, NameTable names)
    {
        TaskRun run = row.Run;
        RowFlags flags = PlainRow.FlagsOf(row);
        ReadOnlySpan<byte> payload = payloads.Write(row, flags, idsToo: true);
        return new RunValues(
            run.At.Micros, run.Submitted?.Micros, run.Received?.Micros, run.Started?.Micros, run.Finished?.Micros,
            key.Bits, BitsOf(run.Parent), flags.HasFlag(RowFlags.RootIsSelf) ? null : run.Root == run.Parent ? BitsOf(run.Parent) : BitsOf(run.Root),
            names.NumberOrNull(NameKind.Task, run.Task), names.NumberOrNull(NameKind.Worker, run.Worker), names.NumberOrNull(NameKind.Queue, run.Queue),
            names.NumberOrNull(NameKind.Exception, run.ExceptionClass), names.NumberOrNull(NameKind.App, run.App),
            key.Source, run.Attempt, (short)flags, (short)run.State, (short)Math.Min(run.Redeliveries, short.MaxValue),
            // Open runs are short-lived: packing them would cost more than it saves.
            payload.IsEmpty ? null : run.State.IsFinal() ? packer.Pack(payload).ToArray() : payload.ToArray());
    }

    /// <summary>Those of a row on which a reader stands.</summary>
    public static RunValues Of(NpgsqlDataReader from)
    {
        T? Maybe<T>(int column)
            where T : struct => from.IsDBNull(column) ? null : from.GetFieldValue<T>(column);
        UInt128? Bits(int column) => from.IsDBNull(column) ? null : Uuids.BitsOf(from.GetGuid(column));
        return new RunValues(
            from.GetInt64(RunColumns.At), Maybe<long>(1), Maybe<long>(2), Maybe<long>(3), Maybe<long>(4), Uuids.BitsOf(from.GetGuid(RunColumns.Id)), Bits(6), Bits(7),
            Maybe<int>(8), Maybe<int>(9), Maybe<int>(10), Maybe<int>(11), Maybe<int>(12), from.GetInt32(RunColumns.Source), from.GetInt32(RunColumns.Attempt),
            from.GetInt16(15), from.GetInt16(RunColumns.State), from.GetInt16(17), from.IsDBNull(RunColumns.Payload) ? null : from.GetFieldValue<byte[]>(RunColumns.Payload));
    }

    /// <summary>The run.</summary>
    public TaskRun ToRun(IRowContext context)
    {
        var flags = (RowFlags)Flags;
        var state = (RunState)State;
        string id = Uuids.Of(Id).ToString();
        Instant? submitted = InstantOf(Submitted), received = InstantOf(Received), started = InstantOf(Started), finished = InstantOf(Finished);
        Instant? ownEnd = flags.HasFlag(RowFlags.EndInferred) ? null : finished;
        var run = new TaskRun
        {
            Source = context.Text(Source)!,
            Id = id,
            Attempt = Attempt,
            State = state,
            Redeliveries = Redeliveries,
            At = new Instant(At),
            First = RowPayload.Least(submitted, received, started, ownEnd),
            Updated = RowPayload.Greatest(submitted, received, started, ownEnd),
            Task = context.Text(Name),
            Worker = context.Text(Worker),
            Queue = context.Text(Queue),
            App = context.Text(App),
            Parent = Uuids.Of(Parent)?.ToString(),
            Root = flags.HasFlag(RowFlags.RootIsSelf) ? id : Uuids.Of(Root)?.ToString(),
            Submitted = submitted,
            Received = received,
            Started = started,
            Finished = finished,
            Runtime = RowPayload.Elapsed(state, ownEnd is null, started, finished),
            ClockOff = flags.HasFlag(RowFlags.ClockOff),
            Reconciled = PlainRow.ReconciledOf(flags),
        };
        return RowPayload.Complete(run, context.Unpack(Payload));
    }

    /// <summary>The run with its facts.</summary>
    public FoldedRun ToFold(IRowContext context)
    {
        TaskRun run = ToRun(context);
        var flags = (RowFlags)Flags;
        return new FoldedRun(run, flags.HasFlag(RowFlags.Listed) ? RowPayload.Facts(context.Unpack(Payload), run) : PlainRow.Facts(run, flags));
    }

    /// <summary>Adds the row to those that are copied.</summary>
    public void Write(CopyWriter to)
    {
        to.Row(RunColumns.Count);
        to.Write(At);
        to.Write(Submitted);
        to.Write(Received);
        to.Write(Started);
        to.Write(Finished);
        to.Write(Id);
        to.Write(Parent);
        to.Write(Root);
        to.Write(Name);
        to.Write(Worker);
        to.Write(Queue);
        to.Write(Exception);
        to.Write(App);
        to.Write(Source);
        to.Write(Attempt);
        to.Write(Flags);
        to.Write(State);
        to.Write(Redeliveries);
        if (Payload is { } payload)
        {
            to.Write(payload);
        }
        else
        {
            to.Null();
        }
    }

    /// <summary>The statement that changes open rows that are still in these versions; it tells how many those were.</summary>
    public static NpgsqlBatchCommand ToUpdate(List<(RunValues Row, uint Version)> rows)
    {
        T[] Column<T>(Func<RunValues, T> value) => [.. rows.Select(row => value(row.Row))];
        return Commands.Of(
            UpdateOpen, Column(row => row.At), Column(row => row.Submitted), Column(row => row.Received), Column(row => row.Started), Column(row => row.Finished),
            Column(row => Uuids.Of(row.Id)), Column(row => Uuids.Of(row.Parent)), Column(row => Uuids.Of(row.Root)),
            Column(row => row.Name), Column(row => row.Worker), Column(row => row.Queue), Column(row => row.Exception), Column(row => row.App),
            Column(row => row.Source), Column(row => row.Attempt), Column(row => row.Flags), Column(row => row.State), Column(row => row.Redeliveries),
            Column(row => row.Payload), Commands.Xids(rows.ConvertAll(row => row.Version)));
    }

    static Instant? InstantOf(long? micros) => micros is { } known ? new Instant(known) : null;

    static UInt128? BitsOf(string? id) => id is null ? null : RunKey.Of(id, 0).Bits;
}
