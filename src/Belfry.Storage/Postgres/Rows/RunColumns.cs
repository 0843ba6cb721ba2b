using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>A run as a row of <c>run_open</c>, <c>run_kept</c> and <c>run_done</c>.</summary>
static class RunColumns
{
    /// <summary>All columns, in the order in which they are written and read.</summary>
    public const string All =
        "at, submitted, received, started, finished, id, parent, root, name, worker, queue, exc, app, source, attempt, flags, state, redeliveries, payload";

    /// <summary>Place of the columns that tell rows apart, and how many there are.</summary>
    public const int At = 0, Id = 5, Source = 13, Attempt = 14, Payload = 18, Count = 19;

    /// <summary>All columns of one table among several.</summary>
    public static string Of(string table) => $"{table}.{All.Replace(", ", $", {table}.", StringComparison.Ordinal)}";

    /// <summary>Reads a run.</summary>
    public static TaskRun Read(NpgsqlDataReader from, IRowContext context) => Read(from, context, out _, out _);

    /// <summary>Reads a run with its facts.</summary>
    public static FoldedRun ReadFacts(NpgsqlDataReader from, IRowContext context)
    {
        TaskRun run = Read(from, context, out RowFlags flags, out byte[] payload);
        return new FoldedRun(run, flags.HasFlag(RowFlags.Listed) ? RowPayload.Facts(context.Unpack(payload), run) : PlainRow.Facts(run, flags));
    }

    static TaskRun Read(NpgsqlDataReader from, IRowContext context, out RowFlags flags, out byte[] payload)
    {
        flags = (RowFlags)from.GetInt16(15);
        payload = from.IsDBNull(18) ? [] : from.GetFieldValue<byte[]>(18);
        string id = from.GetGuid(Id).ToString();
        Instant? submitted = Instant(from, 1), received = Instant(from, 2), started = Instant(from, 3), finished = Instant(from, 4);
        var state = (RunState)from.GetInt16(16);
        bool inferred = flags.HasFlag(RowFlags.EndInferred);
        var run = new TaskRun
        {
            Source = context.Text(from.GetInt32(Source))!,
            Id = id,
            Attempt = from.GetInt32(Attempt),
            State = state,
            Redeliveries = from.GetInt16(17),
            At = new Instant(from.GetInt64(At)),
            First = RowPayload.Least(submitted, received, started, inferred ? null : finished),
            Updated = RowPayload.Greatest(submitted, received, started, inferred ? null : finished),
            Task = Name(from, 8, context),
            Worker = Name(from, 9, context),
            Queue = Name(from, 10, context),
            App = Name(from, 12, context),
            Parent = from.IsDBNull(6) ? null : from.GetGuid(6).ToString(),
            Root = flags.HasFlag(RowFlags.RootIsSelf) ? id : from.IsDBNull(7) ? null : from.GetGuid(7).ToString(),
            Submitted = submitted,
            Received = received,
            Started = started,
            Finished = finished,
            Runtime = RowPayload.Elapsed(state, inferred || finished is null, started, finished),
            ClockOff = flags.HasFlag(RowFlags.ClockOff),
        };
        return RowPayload.Complete(run, context.Unpack(payload));
    }

    static Instant? Instant(NpgsqlDataReader from, int column) => from.IsDBNull(column) ? null : new Instant(from.GetInt64(column));

    static string? Name(NpgsqlDataReader from, int column, IRowContext context) => from.IsDBNull(column) ? null : context.Text(from.GetInt32(column));
}
