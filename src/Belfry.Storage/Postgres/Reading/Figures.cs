using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rollups;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>Reads figures from rollups.</summary>
static class Figures
{
    // The server takes a range whose limits come from another table for half of all cells, and reads them all for each name: 1,500 ms in place of 15.
    const string Ways = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off";

    /// <summary>The report that is asked for.</summary>
    public static async Task<LogReport> ReadAsync(Question question, ReportQuery query)
    {
        var sum = new ReportSum(query, await MarksAsync(question));
        await question.EachAsync(
            "SELECT id, kind, text FROM name WHERE kind = ANY($1)", [sum.Kinds.Select(kind => (short)kind).ToArray()],
            row => sum.Know(row.GetInt32(0), (NameKind)row.GetInt16(1), row.GetString(2)));
        foreach (CellRange range in sum.Plan.Sums)
        {
            await EachAsync(question, range, [.. sum.Names], (bucket, name, cell) => sum.Add(range.Level, bucket, name, cell));
        }
        foreach (CellRange range in query.BarsOfEach ? [] : sum.Plan.Bars)
        {
            await EachAsync(question, range, [.. sum.BarNames], (bucket, _, cell) => sum.AddBar(range.Level, bucket, cell));
        }
        return sum.ToReport();
    }

    /// <summary>Ended runs of the whole log.</summary>
    public static async Task<long> EndedAsync(Question question)
    {
        var numbers = new CellNumbers();
        foreach (CellRange range in ReportPlan.Everything(await MarksAsync(question)))
        {
            await EachAsync(question, range, [RollupKeys.All], (_, _, cell) => numbers.Add(cell));
        }
        return numbers.Ended;
    }

    /// <summary>Open runs by state, to be asked before the report, of all tasks or of those named.</summary>
    public static async Task<IReadOnlyDictionary<RunState, long>> OpenAsync(Question question, ReportQuery query)
    {
        var open = new Dictionary<RunState, long>();
        await question.EachAsync("SELECT state, name, count(*) FROM run_open GROUP BY state, name", [], row =>
        {
            if (query.Wants(row.IsDBNull(1) ? null : question.Names.Text(row.GetInt32(1))))
            {
                open[(RunState)row.GetInt16(0)] = open.GetValueOrDefault((RunState)row.GetInt16(0)) + row.GetInt64(2);
            }
        });
        return open;
    }

    static async Task<RollupMarks> MarksAsync(Question question)
    {
        await using var command = new Npgsql.NpgsqlCommand($"{Ways}; {MarkTable.Read}", question.Connection);
        await using Npgsql.NpgsqlDataReader row = await command.ExecuteReaderAsync(question.Cancel);
        return MarkTable.Of(row);
    }

    static Task EachAsync(Question question, CellRange range, long[] names, Action<long, long, ICellRow> take)
    {
        string table = range.Level.Table();
        string sql = range.Level == RollupLevel.Day
            ? $"""
            SELECT ofname.* FROM unnest($3) AS wanted(name), LATERAL (
              SELECT cell, {CellNumbers.Columns} FROM {table} WHERE cell >= (wanted.name << 20) + $1 AND cell < (wanted.name << 20) + $2) AS ofname
            """
            : $"SELECT cell, {CellNumbers.Columns} FROM {table} WHERE cell >= $1 AND cell < $2 AND (cell & {RollupKeys.All}) = ANY($3)";
        return question.EachAsync(sql, [range.First, range.Last, names], row =>
        {
            var cell = new CellRow(row);
            (long bucket, long name) = range.Level.Parts(cell.Key);
            take(bucket, name, cell);
        });
    }
}
