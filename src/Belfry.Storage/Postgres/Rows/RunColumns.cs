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
    public const int At = 0, Id = 5, Source = 13, Attempt = 14, State = 16, Payload = 18, Count = 19;

    /// <summary>All columns of one table among several.</summary>
    public static string Of(string table) => $"{table}.{All.Replace(", ", $", {table}.", StringComparison.Ordinal)}";

    /// <summary>Reads a run.</summary>
    public static TaskRun Read(NpgsqlDataReader from, IRowContext context) => RunValues.Of(from).ToRun(context);

    /// <summary>Reads a run with its facts.</summary>
    public static FoldedRun ReadFacts(NpgsqlDataReader from, IRowContext context) => RunValues.Of(from).ToFold(context);
}
