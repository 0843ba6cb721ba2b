using System.Text;
using Belfry.Storage.Search;

namespace Belfry.Storage.Rows;

/// <summary>What stands beside the columns of a run's row, the same on every engine.</summary>
sealed class RowPayload
{
    readonly PayloadWriter _payload = new(), _scratch = new();

    /// <summary>The payload of a row, not yet packed; valid until the next.</summary>
    /// <param name="row">The row.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="idsToo">Ids that are no UUIDs stand in it, because the columns only have room for UUIDs.</param>
    public ReadOnlySpan<byte> Write(in FoldedRun row, RowFlags flags, bool idsToo = false)
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
        _payload.Number(Tag.Until, run.Until?.Micros);
        if (idsToo)
        {
            _payload.Text(Tag.Id, RunKey.IsUuid(run.Id) ? null : run.Id);
            _payload.Text(Tag.Parent, RunKey.IsUuid(run.Parent) ? null : run.Parent);
            _payload.Text(Tag.Root, RunKey.IsUuid(run.Root) || flags.HasFlag(RowFlags.RootIsSelf) ? null : run.Root);
        }
        if (flags.HasFlag(RowFlags.Listed))
        {
            foreach (TaskEvent fact in row.Facts)
            {
                FactCodec.Write(_payload, _scratch, fact);
            }
        }
        return _payload.Written;
    }

    /// <summary>The run with what its payload says besides the columns.</summary>
    public static TaskRun Complete(TaskRun run, ReadOnlySpan<byte> payload)
    {
        string? args = null, kwargs = null, result = null, exception = null, traceback = null, reason = null, text = null, extra = null;
        double? runtime = run.Runtime, percent = null;
        Instant? eta = null, expires = null, until = null;
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
                case Tag.Until: until = reader.Instant; break;
                case Tag.Id: run = run with { Id = reader.Text, Root = run.Root == run.Id ? reader.Text : run.Root }; break;
                case Tag.Parent: run = run with { Parent = reader.Text }; break;
                case Tag.Root: run = run with { Root = reader.Text }; break;
                default: context = FactCodec.WithContext(context, ref reader); break;
            }
        }
        return run with
        {
            First = first, Updated = updated, Args = args, Kwargs = kwargs, Result = result, Exception = exception, Traceback = traceback,
            Reason = reason, Runtime = runtime, Percent = percent, Text = text, Eta = eta, Expires = expires, Priority = priority,
            Context = context, Extra = extra, Until = until,
        };
    }

    /// <summary>One of the run's own texts has that word, those that <see cref="Searchable"/> looks through.</summary>
    /// <remarks>The numbers, lengths and tags between them are bytes as well, and some of them are letters.</remarks>
    public static bool Has(ReadOnlySpan<byte> payload, Needle word)
    {
        for (var reader = new PayloadReader(payload); reader.Next();)
        {
            if (IsSearched(reader.Tag) && word.IsIn(reader.Value))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Adds the texts that <see cref="Has"/> looks through, each behind a character that stands between them.</summary>
    public static void AddTexts(ReadOnlySpan<byte> payload, StringBuilder to, char between)
    {
        for (var reader = new PayloadReader(payload); reader.Next();)
        {
            if (IsSearched(reader.Tag))
            {
                to.Append(between).Append(reader.Text);
            }
        }
    }

    static bool IsSearched(Tag tag) => tag is Tag.Args or Tag.Kwargs or Tag.Result or Tag.Exception or Tag.Reason;

    /// <summary>The facts that a payload lists.</summary>
    public static List<TaskEvent> Facts(ReadOnlySpan<byte> payload, TaskRun run)
    {
        var facts = new List<TaskEvent>();
        for (var reader = new PayloadReader(payload); reader.Next();)
        {
            if (reader.Tag == Tag.Fact)
            {
                facts.Add(FactCodec.Read(reader.Value, run.Source, run.Id));
            }
        }
        return facts;
    }

    /// <summary>The runtime that the columns tell; another one, or that there is none, stands in the payload.</summary>
    public static double? Elapsed(RunState state, bool inferred, Instant? started, Instant? finished) =>
        inferred || state == RunState.Lost || !state.IsFinal() || started is null || finished is null
            ? null
            : Math.Max(0, (finished.Value - started.Value).TotalSeconds);

    public static Instant Least(Instant? a, Instant? b, Instant? c, Instant? d)
    {
        long least = Math.Min(Math.Min(a?.Micros ?? long.MaxValue, b?.Micros ?? long.MaxValue), Math.Min(c?.Micros ?? long.MaxValue, d?.Micros ?? long.MaxValue));
        return new Instant(least);
    }

    public static Instant Greatest(Instant? a, Instant? b, Instant? c, Instant? d)
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
