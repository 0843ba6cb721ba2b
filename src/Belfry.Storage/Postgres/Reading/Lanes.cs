using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Texts;
using Belfry.Storage.Search;
using Npgsql;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>One stretch of rows, newest first.</summary>
interface ILane
{
    /// <summary>Its newest row that was not taken; without a run it only tells how far it looked.</summary>
    (Place Place, TaskRun? Run) Current { get; }

    /// <summary>It has one.</summary>
    ValueTask<bool> HasRowAsync();

    /// <summary>Takes it.</summary>
    (Place Place, TaskRun? Run) Take();
}

/// <summary>Rows of one table, or of a task in it, read in portions that grow.</summary>
sealed class RowLane(Question question, string table, int? task, (long From, long To) span, Place before, int portion, string more = "") : ILane
{
    const int LargestPortion = 2000;

    readonly Queue<(Place Place, TaskRun? Run)> _rows = new();
    readonly string _sql = $"""
        SELECT {RunColumns.All} FROM {table}
        WHERE at >= $1 AND at < $2 AND at <= $3 AND (at, id, source, attempt) < ($3, $4, $5, $6){(task is null ? "" : " AND name = $8")}{more}
        ORDER BY at DESC, id DESC, source DESC, attempt DESC LIMIT $7
        """;

    Place _before = before;
    int _portion = portion;
    bool _ended;

    public (Place Place, TaskRun? Run) Current => _rows.Peek();

    public async ValueTask<bool> HasRowAsync()
    {
        if (_rows.Count == 0 && !_ended)
        {
            await ReadAsync(question, [this]);
        }
        return _rows.Count > 0;
    }

    public (Place Place, TaskRun? Run) Take() => _rows.Dequeue();

    /// <summary>Reads the next portions of lanes, all in one round trip.</summary>
    public static async Task ReadAsync(Question question, IReadOnlyList<RowLane> lanes)
    {
        await using var batch = new NpgsqlBatch(question.Connection);
        foreach (RowLane lane in lanes)
        {
            batch.BatchCommands.Add(lane.ToCommand());
        }
        if (lanes.Count == 0)
        {
            return;
        }
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(question.Cancel);
        foreach (RowLane lane in lanes)
        {
            while (await row.ReadAsync(question.Cancel))
            {
                lane._rows.Enqueue((Place.Of(row), RunColumns.Read(row, question.Context)));
            }
            lane.Advance();
            await row.NextResultAsync(question.Cancel);
        }
    }

    NpgsqlBatchCommand ToCommand()
    {
        object[] parameters = [span.From, span.To, _before.At, Uuids.Of(_before.Id), _before.Source, _before.Attempt, _portion];
        return Commands.Of(_sql, task is { } number ? [.. parameters, number] : parameters);
    }

    void Advance()
    {
        _ended = _rows.Count < _portion;
        _before = _rows.Count > 0 ? _rows.Last().Place : _before;
        _portion = Math.Min(_portion * 2, LargestPortion);
    }
}

/// <summary>The runs that the index of texts finds in stretches that are in it.</summary>
sealed class TextLane(Question question, IEnumerable<TextStretch> stretches, TextClue clue, Place before) : ILane
{
    const int InstantsAtOnce = 500;

    readonly Queue<(Place Place, TaskRun? Run)> _rows = new();
    readonly Queue<TextStretch> _coming = new(stretches);
    readonly TextMatch _match = new(clue, first: 4);
    TextStretch? _stretch; // what is left of the one at hand

    public (Place Place, TaskRun? Run) Current => _rows.Peek();

    public async ValueTask<bool> HasRowAsync()
    {
        while (_rows.Count == 0 && (_stretch is not null || _coming.Count > 0))
        {
            await ReadAsync(_stretch ??= _coming.Dequeue());
        }
        return _rows.Count > 0;
    }

    public (Place Place, TaskRun? Run) Take() => _rows.Dequeue();

    async Task ReadAsync(TextStretch stretch)
    {
        var instants = new List<long>();
        await question.EachAsync(
            $"SELECT DISTINCT at FROM {stretch.Week!.Table} WHERE at >= $1 AND at < $2 AND {_match.Condition} ORDER BY at DESC LIMIT $3",
            [stretch.From, stretch.To, InstantsAtOnce, .. _match.Patterns], row => instants.Add(row.GetInt64(0)));
        if (instants.Count > 0)
        {
            await ReadAsync(instants);
        }
        bool more = instants.Count == InstantsAtOnce;
        _stretch = more ? stretch with { To = instants[^1] } : null;
        if (!more && _coming.Count > 0)
        {
            _rows.Enqueue((new Place(stretch.From, UInt128.MinValue, 0, 0), null));
        }
    }

    async Task ReadAsync(List<long> instants)
    {
        var found = new List<(Place Place, TaskRun Run)>();
        foreach (string table in (string[])["run_kept", "run_done"])
        {
            await question.EachAsync(
                $"SELECT {RunColumns.All} FROM {table} WHERE at = ANY($1)", [instants.ToArray()],
                row => found.Add((Place.Of(row), RunColumns.Read(row, question.Context))));
        }
        foreach ((Place place, TaskRun run) in found.Where(row => before.IsNewerThan(row.Place)).OrderByDescending(row => (row.Place.At, row.Place.Id, row.Place.Source, row.Place.Attempt)))
        {
            _rows.Enqueue((place, run));
        }
    }
}
