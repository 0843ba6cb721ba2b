using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>Writes what a group adds to the figures. Whoever does so holds the lock of the figures: histograms are added here, not by the server.</summary>
static class RollupWriter
{
    /// <summary>Reads what the cells have so far, under what the group adds.</summary>
    public static void AddStored(NpgsqlConnection connection, RollupChanges changes)
    {
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of("SELECT cell, hist FROM minute WHERE cell = ANY($1)", changes.Minutes.Keys.ToArray()),
                Commands.Of("SELECT cell, hist FROM hour WHERE cell = ANY($1)", changes.Hours.Keys.ToArray()),
            },
        };
        using NpgsqlDataReader row = batch.ExecuteReader();
        foreach (IReadOnlyDictionary<long, RollupCell> cells in (IReadOnlyDictionary<long, RollupCell>[])[changes.Minutes, changes.Hours])
        {
            while (row.Read())
            {
                cells[row.GetInt64(0)].Durations.AddUnder(row.GetFieldValue<byte[]>(1));
            }
            row.NextResult();
        }
    }

    /// <summary>The statements that write the cells.</summary>
    public static IEnumerable<NpgsqlBatchCommand> ToCommands(RollupChanges changes) => [Write("minute", changes.Minutes), Write("hour", changes.Hours)];

    static NpgsqlBatchCommand Write(string table, IReadOnlyDictionary<long, RollupCell> changes)
    {
        RollupCell[] cells = [.. changes.Values];
        int[] Ends(RunState state) => Array.ConvertAll(cells, cell => (int)cell[state]);
        return Commands.Of(
            $"""
            INSERT INTO {table}(cell, first, completed, failed, retried, cancelled, skipped, lost, timed, sum, max, hist)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT(cell) DO UPDATE SET first = {table}.first + excluded.first, completed = {table}.completed + excluded.completed,
              failed = {table}.failed + excluded.failed, retried = {table}.retried + excluded.retried,
              cancelled = {table}.cancelled + excluded.cancelled, skipped = {table}.skipped + excluded.skipped,
              lost = {table}.lost + excluded.lost, timed = {table}.timed + excluded.timed, sum = {table}.sum + excluded.sum,
              max = greatest({table}.max, excluded.max), hist = excluded.hist
            """,
            changes.Keys.ToArray(), Array.ConvertAll(cells, cell => (int)cell.First), Ends(RunState.Completed), Ends(RunState.Failed), Ends(RunState.Retried),
            Ends(RunState.Cancelled), Ends(RunState.Skipped), Ends(RunState.Lost), Array.ConvertAll(cells, cell => (int)cell.Timed),
            Array.ConvertAll(cells, cell => cell.Sum), Array.ConvertAll(cells, cell => cell.Max), Array.ConvertAll(cells, cell => cell.Durations.Sum()));
    }
}
