using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Which calls are in whose hands: a row for each group that was claimed, gone when the last of it has ended.</summary>
sealed class ClaimTable
{
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    readonly Database _database;
    readonly Dictionary<long, ClaimRow> _rows = []; // those in the store
    readonly Dictionary<long, ClaimRow> _byPlace = []; // of those found at start; Of empties it as far as their runs are open
    readonly List<ClaimRow> _ended = [], _shrunk = []; // the group's; emptied by Flush
    long _last;
    Instant _looked = new(long.MinValue);

    public ClaimTable(Database database)
    {
        _database = database;
        using Statement read = database.PrepareOnce("SELECT id, owner, worker, at, places FROM claim");
        while (read.Step())
        {
            var row = new ClaimRow(read.Int64(0), read.Int32(1), read.Text(2)!, new Instant(read.Int64(3)), PlaceRanges.Read(read.Bytes(4)));
            _rows.Add(row.Id, row);
            row.Places.ForEach(place => _byPlace[place] = row);
            (_last, LastPlace) = (Math.Max(_last, row.Id), Math.Max(LastPlace, row.Places.Count == 0 ? 0 : row.Places[^1]));
        }
    }

    /// <summary>The greatest place that stands in a claim: no new run may get it as long as that is there.</summary>
    public long LastPlace { get; }

    /// <summary>The claim, of those found at start, that has a place.</summary>
    public ClaimRow? Of(long place) => _byPlace.Count > 0 && _byPlace.Remove(place, out ClaimRow? row) ? row : null;

    /// <summary>The claims of other processes.</summary>
    public IEnumerable<ClaimRow> Others(int owner) => _rows.Values.Where(row => row.Owner != owner);

    /// <summary>Writes a claim; within the group's transaction.</summary>
    public ClaimRow Add(int owner, string worker, Instant now, List<long> places)
    {
        places.Sort();
        var row = new ClaimRow(++_last, owner, worker, now, places) { Left = places.Count };
        _database.Prepare("INSERT INTO claim(id, owner, worker, at, places) VALUES(?, ?, ?, ?, ?)")
            .Bind(1, row.Id).Bind(2, owner).Bind(3, worker).Bind(4, now.Micros).Bind(5, PlaceRanges.Write(places)).Run();
        _rows.Add(row.Id, row);
        return row;
    }

    /// <summary>A call of a claim has ended.</summary>
    public void Leave(ClaimRow? row)
    {
        if (row is not null && --row.Left == 0)
        {
            _ended.Add(row);
        }
    }

    /// <summary>A call of a claim waits again.</summary>
    public void GiveBack(ClaimRow row, long place)
    {
        row.Places.Remove(place);
        _shrunk.Add(row);
        Leave(row);
    }

    /// <summary>The claims of processes that live no longer; looked at once a second.</summary>
    public IReadOnlyList<ClaimRow> OfTheDead(WorkerMark mark, Instant now)
    {
        if (now >= _looked && now - _looked < Look) // a clock that was set back is no reason to wait
        {
            return [];
        }
        _looked = now;
        var dead = new List<ClaimRow>();
        var alive = new Dictionary<int, bool> { [mark.Number] = true };
        foreach (ClaimRow row in _rows.Values)
        {
            if (!alive.TryGetValue(row.Owner, out bool lives))
            {
                alive.Add(row.Owner, lives = mark.IsAlive(row.Owner));
            }
            if (!lives)
            {
                dead.Add(row);
                if (row.Left == 0)
                {
                    _ended.Add(row); // all of it had ended
                }
            }
        }
        return dead;
    }

    /// <summary>Writes what changed; within the group's transaction.</summary>
    public void Flush()
    {
        foreach (ClaimRow row in _shrunk)
        {
            _database.Prepare("UPDATE claim SET places = ? WHERE id = ?").Bind(1, PlaceRanges.Write(row.Places)).Bind(2, row.Id).Run();
        }
        foreach (ClaimRow row in _ended)
        {
            _database.Prepare("DELETE FROM claim WHERE id = ?").Bind(1, row.Id).Run();
            _rows.Remove(row.Id);
        }
        _shrunk.Clear();
        _ended.Clear();
    }
}

/// <summary>Calls that a worker has.</summary>
/// <param name="id">Its number.</param>
/// <param name="owner">The process.</param>
/// <param name="worker">Its name in the log.</param>
/// <param name="at">When they were claimed.</param>
/// <param name="places">Their places in <c>open</c>, sorted.</param>
sealed class ClaimRow(long id, int owner, string worker, Instant at, List<long> places)
{
    public long Id { get; } = id;

    public int Owner { get; } = owner;

    public string Worker { get; } = worker;

    public Instant At { get; } = at;

    public List<long> Places { get; } = places;

    /// <summary>How many of them are open and not given back.</summary>
    public int Left { get; set; }
}
