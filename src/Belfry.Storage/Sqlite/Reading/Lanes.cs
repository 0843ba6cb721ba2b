using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>One stretch of rows, newest first.</summary>
interface ILane : IDisposable
{
    /// <summary>It stands on a row, or on a mark.</summary>
    bool HasPlace { get; }

    /// <summary>It only tells how far it looked.</summary>
    bool IsMark { get; }

    /// <summary>Where it stands.</summary>
    long At { get; }

    /// <summary>The row was handed out; the next look goes on.</summary>
    bool IsTaken { get; set; }

    /// <summary>Stands on the row; its columns from <see cref="RowLane.First"/> on are those of a run.</summary>
    Statement Row { get; }

    /// <summary>Goes on.</summary>
    void Step();
}

/// <summary>Rows in the order of one index.</summary>
sealed class RowLane : ILane
{
    /// <summary>The first column of <see cref="RowCodec.Columns"/>.</summary>
    public const int First = 1;

    public RowLane(Database database, long from, long to, string rows, string at = "at")
    {
        Row = database.PrepareOnce($"SELECT {at}, {RowCodec.Columns} FROM {rows}{at} >= ? AND {at} < ? ORDER BY {at} DESC");
        Row.Bind(1, from).Bind(2, to);
        Step();
    }

    public Statement Row { get; }

    public bool HasPlace { get; private set; }

    public bool IsMark => false;

    public bool IsTaken { get; set; }

    public long At { get; private set; }

    public void Step()
    {
        HasPlace = Row.Step();
        IsTaken = false;
        At = HasPlace ? Row.Int64(0) : long.MinValue;
    }

    public void Dispose() => Row.Dispose();
}

/// <summary>The runs that the index of texts finds, and all of those that are not in it yet.</summary>
sealed class TextLane : ILane
{
    readonly Database _database;
    readonly Queue<TextStretch> _coming;
    readonly string _expression;
    readonly Statement _rows;
    Statement? _entries; // of the stretch, where it is in the index
    TextStretch _stretch;
    bool _rowsAsked;

    public TextLane(Database database, IEnumerable<TextStretch> stretches, string expression)
    {
        (_database, _coming, _expression) = (database, new Queue<TextStretch>(stretches), expression);
        _rows = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM run NOT INDEXED WHERE at >= ? AND at < ? ORDER BY at DESC");
        IsMark = true;
        Step();
    }

    public Statement Row => _rows;

    public bool HasPlace { get; private set; }

    public bool IsMark { get; private set; }

    public bool IsTaken { get; set; }

    public long At { get; private set; }

    public void Step()
    {
        IsTaken = false;
        if (IsMark)
        {
            Begin();
        }
        bool row = NextRow();
        (HasPlace, IsMark, At) = (row || _coming.Count > 0, !row, row ? _rows.Int64(0) : _stretch.From);
    }

    public void Dispose()
    {
        _entries?.Dispose();
        _rows.Dispose();
    }

    /// <summary>Gets ready for the next stretch, if there is one.</summary>
    void Begin()
    {
        if (!_coming.TryDequeue(out _stretch))
        {
            return;
        }
        _entries?.Dispose();
        _entries = null;
        if (_stretch.Week is { } week)
        {
            _entries = _database.PrepareOnce($"SELECT rowid FROM {week.Table} WHERE {week.Table} MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid DESC");
            _entries.Bind(1, _expression).Bind(2, week.EntryOf(_stretch.From)).Bind(3, week.EntryOf(_stretch.To - 1));
            _rowsAsked = false;
        }
        else
        {
            Ask(_stretch.From, _stretch.To);
        }
    }

    bool NextRow()
    {
        while (true)
        {
            if (_rowsAsked && _rows.Step())
            {
                return true;
            }
            _rowsAsked = false;
            if (_entries is null || !_entries.Step())
            {
                return false;
            }
            long first = _entries.Int64(0) << _stretch.Week!.Shift;
            Ask(Math.Max(first, _stretch.From), Math.Min(first + (1L << _stretch.Week.Shift), _stretch.To));
        }
    }

    void Ask(long from, long to)
    {
        _rows.Reset();
        _rows.Bind(1, from).Bind(2, to);
        _rowsAsked = true;
    }
}
