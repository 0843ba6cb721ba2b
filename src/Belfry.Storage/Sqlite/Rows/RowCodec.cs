using Belfry.Storage.Payloads;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>A run as a row of <c>run</c> or <c>open</c>, both ways.</summary>
sealed class RowCodec
{
    /// <summary>The columns that follow the row's key and <c>at</c>, in the order in which they are bound and read.</summary>
    public const string Columns =
        "uid, source, name, state, attempt, worker, queue, exc, app, parent, root, redeliveries, bump, sent, received, started, ended, flags, payload";

    /// <summary>How many <see cref="Columns"/> are.</summary>
    public const int Count = 19;

    readonly PayloadWriter _payload = new(), _scratch = new();
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
        RunKey.Bind(into, first, run.Id);
        into.Bind(first + 1, names.Number(NameKind.Source, run.Source));
        into.Bind(first + 2, names.NumberOrNull(NameKind.Task, run.Task));
        into.Bind(first + 3, (long)run.State);
        into.Bind(first + 4, run.Attempt);
        into.Bind(first + 5, names.NumberOrNull(NameKind.Worker, run.Worker));
        into.Bind(first + 6, names.NumberOrNull(NameKind.Queue, run.Queue));
        into.Bind(first + 7, names.NumberOrNull(NameKind.Exception, run.ExceptionClass));
        into.Bind(first + 8, names.NumberOrNull(NameKind.App, run.App));
        RunKey.Bind(into, first + 9, run.Parent);
        RunKey.Bind(into, first + 10, flags.HasFlag(RowFlags.RootIsSelf) ? null : run.Root);
        into.Bind(first + 11, run.Redeliveries);
        into.Bind(first + 12, at - run.At.Micros);
        into.Bind(first + 13, run.Submitted?.Micros - at);
        into.Bind(first + 14, run.Received?.Micros - at);
        into.Bind(first + 15, run.Started?.Micros - at);
        into.Bind(first + 16, run.Finished?.Micros - at);
        into.Bind(first + 17, (long)flags);
        WritePayload(row, flags);
        if (_payload.Written.IsEmpty)
        {
            into.BindNull(first + 18);
        }
        else
        {
            // Open runs are short-lived: packing them would cost more than it saves.
            into.Bind(first + 18, run.State.IsFinal() ? _packer.Pack(_payload.Written) : _payload.Written);
        }
    }

    /// <summary>Reads a run.</summary>
    /// <param name="from">The statement, on a row.</param>
    /// <param name="first">Its first column of <see cref="Columns"/>.</param>
    /// <param name="at">The row's <c>at</c>.</param>
    /// <param name="context">Names by number, and how to unpack.</param>
    public static TaskRun Read(Statement from, int first, long at, IRowContext context) => ReadRow(from, first, at, context, out _);

    /// <summary>Reads a run with its facts.</summary>
    public static FoldedRun ReadFacts(Statement from, int first, long at, IRowContext context)
    {
        TaskRun run = ReadRow(from, first, at, context, out RowFlags flags);
        if (!flags.HasFlag(RowFlags.Listed))
        {
            return new FoldedRun(run, [.. PlainRow.Facts(run, flags)]);
        }
        var facts = new List<TaskEvent>();
        for (var reader = new PayloadReader(context.Unpack(from.Bytes(first + 18))); reader.Next();)
        {
            if (reader.Tag == Tag.Fact)
            {
                facts.Add(FactCodec.Read(reader.Value, run.Source, run.Id));
            }
        }
        return new FoldedRun(run, facts);
    }

    static TaskRun ReadRow(Statement from, int first, long at, IRowContext context, out RowFlags flags)
    {
        flags = (RowFlags)from.Int32(first + 17);
        string id = RunKey.Read(from, first)!;
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
            First = Least(submitted, received, started, inferred ? null : finished),
            Updated = Greatest(submitted, received, started, inferred ? null : finished),
            Task = context.Text(from.Int64OrNull(first + 2)),
            Worker = context.Text(from.Int64OrNull(first + 5)),
            Queue = context.Text(from.Int64OrNull(first + 6)),
            App = context.Text(from.Int64OrNull(first + 8)),
            Parent = RunKey.Read(from, first + 9),
            Root = flags.HasFlag(RowFlags.RootIsSelf) ? id : RunKey.Read(from, first + 10),
            Submitted = submitted,
            Received = received,
            Started = started,
            Finished = finished,
            Runtime = Elapsed(state, inferred || finished is null, started, finished),
            ClockOff = flags.HasFlag(RowFlags.ClockOff),
        };
        return WithPayload(run, context.Unpack(from.Bytes(first + 18)));
    }

    static TaskRun WithPayload(TaskRun run, ReadOnlySpan<byte> payload)
    {
        string? args = null, kwargs = null, result = null, exception = null, traceback = null, reason = null, text = null, extra = null;
        double? runtime = run.Runtime, percent = null;
        Instant? eta = null, expires = null;
        Instant first = run.First, updated = run.Updated;
        int? priority = null;
        RunContext? context = null;
        for (var reader = new PayloadReader(payload); reader.Next();)
        {
            switch (reader.Tag)
            {
                case Tag.Args: args = reader.Text; break;
                case Tag.Kwargs: kwargs = reader.Text; break;
                case Tag.Result: result = reader.Text; break;
                case Tag.Exception: exception = reader.Text; break;
                case Tag.Traceback: traceback = reader.Text; break;
                case Tag.Reason: reason = reader.Text; break;
                case Tag.Runtime: runtime = reader.Number < 0 ? null : reader.Number / 1e6; break;
                case Tag.Percent: percent = reader.Real; break;
                case Tag.Text: text = reader.Text; break;
                case Tag.Eta: eta = reader.Instant; break;
                case Tag.Expires: expires = reader.Instant; break;
                case Tag.Priority: priority = (int)reader.Number; break;
                case Tag.Extra: extra = reader.Text; break;
                case Tag.First: first = reader.Instant; break;
                case Tag.Updated: updated = reader.Instant; break;
                default: context = FactCodec.WithContext(context, ref reader); break;
            }
        }
        return run with
        {
            First = first, Updated = updated, Args = args, Kwargs = kwargs, Result = result, Exception = exception, Traceback = traceback,
            Reason = reason, Runtime = runtime, Percent = percent, Text = text, Eta = eta, Expires = expires, Priority = priority,
            Context = context, Extra = extra,
        };
    }

    void WritePayload(in FoldedRun row, RowFlags flags)
    {
        TaskRun run = row.Run;
        Instant? ownEnd = flags.HasFlag(RowFlags.EndInferred) ? null : run.Finished;
        Instant first = Least(run.Submitted, run.Received, run.Started, ownEnd), updated = Greatest(run.Submitted, run.Received, run.Started, ownEnd);
        _payload.Begin();
        _payload.Text(Tag.Args, run.Args);
        _payload.Text(Tag.Kwargs, run.Kwargs);
        _payload.Text(Tag.Result, run.Result);
        _payload.Text(Tag.Exception, run.Exception);
        _payload.Text(Tag.Traceback, run.Traceback);
        _payload.Text(Tag.Reason, run.Reason);
        if (run.Runtime != Elapsed(run.State, ownEnd is null, run.Started, run.Finished))
        {
            _payload.Number(Tag.Runtime, run.Runtime is { } runtime ? (long)Math.Round(runtime * 1e6) : -1);
        }
        _payload.Real(Tag.Percent, run.Percent);
        _payload.Text(Tag.Text, run.Text);
        _payload.Number(Tag.Eta, run.Eta?.Micros);
        _payload.Number(Tag.Expires, run.Expires?.Micros);
        _payload.Number(Tag.Priority, run.Priority);
        _payload.Text(Tag.ContextModel, run.Context?.Model);
        _payload.Text(Tag.ContextType, run.Context?.Type);
        _payload.Text(Tag.ContextId, run.Context?.Id);
        _payload.Text(Tag.Extra, run.Extra);
        _payload.Number(Tag.First, run.First == first ? null : run.First.Micros);
        _payload.Number(Tag.Updated, run.Updated == updated ? null : run.Updated.Micros);
        if (flags.HasFlag(RowFlags.Listed))
        {
            foreach (TaskEvent fact in row.Facts)
            {
                FactCodec.Write(_payload, _scratch, fact);
            }
        }
    }

    static Instant? Relative(Statement from, int column, long at) => from.Int64OrNull(column) is { } offset ? new Instant(at + offset) : null;

    /// <summary>The runtime that the columns tell; another one, or that there is none, stands in the payload.</summary>
    static double? Elapsed(RunState state, bool inferred, Instant? started, Instant? finished) =>
        inferred || state == RunState.Lost || !state.IsFinal() || started is null || finished is null
            ? null
            : Math.Max(0, (finished.Value - started.Value).TotalSeconds);

    static Instant Least(Instant? a, Instant? b, Instant? c, Instant? d)
    {
        long least = Math.Min(Math.Min(a?.Micros ?? long.MaxValue, b?.Micros ?? long.MaxValue), Math.Min(c?.Micros ?? long.MaxValue, d?.Micros ?? long.MaxValue));
        return new Instant(least);
    }

    static Instant Greatest(Instant? a, Instant? b, Instant? c, Instant? d)
    {
        long greatest = Math.Max(Math.Max(a?.Micros ?? long.MinValue, b?.Micros ?? long.MinValue), Math.Max(c?.Micros ?? long.MinValue, d?.Micros ?? long.MinValue));
        return new Instant(greatest);
    }
}

/// <summary>What a reader needs besides the row itself.</summary>
interface IRowContext
{
    /// <summary>The name with that number; null for null.</summary>
    string? Text(long? number);

    /// <summary>A payload as it was before it was packed; valid until the next.</summary>
    ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> payload);
}
