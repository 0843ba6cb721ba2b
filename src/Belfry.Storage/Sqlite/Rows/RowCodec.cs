using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>A run as a row of <c>run</c> or <c>open</c>, both ways.</summary>
sealed class RowCodec
{
    /// <summary>The columns that follow the row's key and <c>at</c>, in the order in which they are bound and read.</summary>
    public const string Columns =
        "uid, source, name, state, attempt, worker, queue, exc, app, parent, root, redeliveries, bump, sent, received, started, ended, flags, payload";

    /// <summary>How many <see cref="Columns"/> are.</summary>
    public const int Count = 19;

    readonly RowPayload _payload = new();
    readonly PayloadPacker _packer;

    public RowCodec(PayloadPacker packer) => _packer = packer;

    /// <summary>Binds a row.</summary>
    /// <param name="into">The statement.</param>
    /// <param name="first">Index of its first parameter for <see cref="Columns"/>.</param>
    /// <param name="at">The row's <c>at</c>, to which instants are relative.</param>
    /// <param name="row">The run with its facts.</param>
    /// <param name="names">Where names get their numbers.</param>
    public void Bind(Statement into, int first, long at, in FoldedRun row, NameTable names)
    {
        TaskRun run = row.Run;
        RowFlags flags = PlainRow.FlagsOf(row);
        IdColumn.Bind(into, first, run.Id);
        into.Bind(first + 1, names.Number(NameKind.Source, run.Source));
        into.Bind(first + 2, names.NumberOrNull(NameKind.Task, run.Task));
        into.Bind(first + 3, (long)run.State);
        into.Bind(first + 4, run.Attempt);
        into.Bind(first + 5, names.NumberOrNull(NameKind.Worker, run.Worker));
        into.Bind(first + 6, names.NumberOrNull(NameKind.Queue, run.Queue));
        into.Bind(first + 7, names.NumberOrNull(NameKind.Exception, run.ExceptionClass));
        into.Bind(first + 8, names.NumberOrNull(NameKind.App, run.App));
        IdColumn.Bind(into, first + 9, run.Parent);
        IdColumn.Bind(into, first + 10, flags.HasFlag(RowFlags.RootIsSelf) ? null : run.Root);
        into.Bind(first + 11, run.Redeliveries);
        into.Bind(first + 12, at - run.At.Micros);
        into.Bind(first + 13, run.Submitted?.Micros - at);
        into.Bind(first + 14, run.Received?.Micros - at);
        into.Bind(first + 15, run.Started?.Micros - at);
        into.Bind(first + 16, run.Finished?.Micros - at);
        into.Bind(first + 17, (long)flags);
        ReadOnlySpan<byte> payload = _payload.Write(row, flags);
        if (payload.IsEmpty)
        {
            into.BindNull(first + 18);
        }
        else
        {
            // Open runs are short-lived: packing them would cost more than it saves.
            into.Bind(first + 18, run.State.IsFinal() ? _packer.Pack(payload) : payload);
        }
    }

    /// <summary>Reads a run.</summary>
    /// <param name="from">The statement, on a row.</param>
    /// <param name="first">Its first column of <see cref="Columns"/>.</param>
    /// <param name="at">The row's <c>at</c>.</param>
    /// <param name="context">Names by number, and how to unpack.</param>
    public static TaskRun Read(Statement from, int first, long at, IRowContext context) =>
        ReadRow(from, first, at, IdColumn.Read(from, first)!, context, out _);

    /// <summary>The number of a row's source.</summary>
    public static int SourceOf(Statement from, int first) => from.Int32(first + 1);

    /// <summary>Reads a run with its facts; its id is known.</summary>
    public static FoldedRun ReadFacts(Statement from, int first, long at, string id, IRowContext context)
    {
        TaskRun run = ReadRow(from, first, at, id, context, out RowFlags flags);
        if (!flags.HasFlag(RowFlags.Listed))
        {
            return new FoldedRun(run, PlainRow.Facts(run, flags));
        }
        return new FoldedRun(run, RowPayload.Facts(context.Unpack(from.Bytes(first + 18)), run));
    }

    static TaskRun ReadRow(Statement from, int first, long at, string id, IRowContext context, out RowFlags flags)
    {
        flags = (RowFlags)from.Int32(first + 17);
        Instant? submitted = Relative(from, first + 13, at), received = Relative(from, first + 14, at);
        Instant? started = Relative(from, first + 15, at), finished = Relative(from, first + 16, at);
        var state = (RunState)from.Int32(first + 3);
        bool inferred = flags.HasFlag(RowFlags.EndInferred);
        var run = new TaskRun
        {
            Source = context.Text(from.Int32(first + 1))!,
            Id = id,
            Attempt = from.Int32(first + 4),
            State = state,
            Redeliveries = from.Int32(first + 11),
            At = new Instant(at - from.Int64(first + 12)),
            First = RowPayload.Least(submitted, received, started, inferred ? null : finished),
            Updated = RowPayload.Greatest(submitted, received, started, inferred ? null : finished),
            Task = context.Text(from.Int64OrNull(first + 2)),
            Worker = context.Text(from.Int64OrNull(first + 5)),
            Queue = context.Text(from.Int64OrNull(first + 6)),
            App = context.Text(from.Int64OrNull(first + 8)),
            Parent = IdColumn.Read(from, first + 9),
            Root = flags.HasFlag(RowFlags.RootIsSelf) ? id : IdColumn.Read(from, first + 10),
            Submitted = submitted,
            Received = received,
            Started = started,
            Finished = finished,
            Runtime = RowPayload.Elapsed(state, inferred || finished is null, started, finished),
            ClockOff = flags.HasFlag(RowFlags.ClockOff),
            Reconciled = PlainRow.ReconciledOf(flags),
        };
        return RowPayload.Complete(run, context.Unpack(from.Bytes(first + 18)));
    }

    static Instant? Relative(Statement from, int column, long at) => from.Int64OrNull(column) is { } offset ? new Instant(at + offset) : null;
}
