using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Writes rows of runs to where they belong, with the keys by which they are found.</summary>
sealed class RunRows
{
    static readonly string Values = string.Join(", ", Enumerable.Repeat("?", RowCodec.Count));

    readonly NameTable _names;
    readonly RowCodec _codec;
    readonly KeySegments _keys;
    readonly OpenLives _open;
    readonly FreeInstants _instants;
    readonly LastEnds _lastEnds;
    readonly List<long> _closed = []; // places in open of runs that the group ended; emptied by Settle
    readonly Statement _addOpen, _putOpen, _putEnded, _deleteOpen, _deleteEnded; // kept at hand: they run for every run

    public RunRows(Database database, NameTable names, RowCodec codec, KeySegments keys, OpenLives open, FreeInstants instants, LastEnds lastEnds)
    {
        (_names, _codec, _keys, _open, _instants, _lastEnds) = (names, codec, keys, open, instants, lastEnds);
        _addOpen = database.Prepare($"INSERT INTO open(id, at, {RowCodec.Columns}) VALUES(?, ?, {Values})");
        _putOpen = database.Prepare($"INSERT OR REPLACE INTO open(id, at, {RowCodec.Columns}) VALUES(?, ?, {Values})");
        _putEnded = database.Prepare($"INSERT INTO run(at, {RowCodec.Columns}) VALUES(?, {Values})");
        _deleteOpen = database.Prepare("DELETE FROM open WHERE id >= ? AND id <= ?");
        _deleteEnded = database.Prepare("DELETE FROM run WHERE at = ?");
    }

    /// <summary>Writes an open run that had no row, or an ended one.</summary>
    /// <param name="key">Its id.</param>
    /// <param name="kept">The instant at which it stands already; null for none.</param>
    /// <param name="row">The row.</param>
    public StoredRow Open(RunKey key, long? kept, in FoldedRun row)
    {
        long place = _open.Open(key, row.Run.Parent), at = kept is { } stays ? _instants.Keep(stays) : _instants.Reserve(row.Run.At);
        return Put(_addOpen, place, at, row);
    }

    /// <summary>Writes an open run over its row.</summary>
    public StoredRow Change(RunKey key, in StoredRow open, in FoldedRun row)
    {
        _open.Move(key, open.Row.Run.Parent, row.Run.Parent, open.Place);
        return Put(_putOpen, open.Place, StandsAt(open, row.Run) ?? Exchange(open.At, row.Run.At), row);
    }

    /// <summary>Writes an ended run.</summary>
    public StoredRow End(RunKey key, long? kept, in FoldedRun row)
    {
        long at = kept ?? _instants.First(row.Run.At);
        while (!TryPutEnded(at, row))
        {
            at = _instants.After(at);
        }
        _instants.End(at);
        _keys.Add(key, row.Run.Parent, at);
        _lastEnds.Add(row.Run, at, _names);
        return new StoredRow(at, at, IsOpen: false, row);
    }

    /// <summary>Deletes a row, with what leads to it. That of an open run goes with <see cref="Settle"/>: nobody looks for it there any more.</summary>
    public void Delete(RunKey key, in StoredRow row)
    {
        if (row.IsOpen)
        {
            _closed.Add(row.Place);
            _open.Close(key, row.Row.Run.Parent, row.Place);
            _instants.Release(row.At);
            return;
        }
        _deleteEnded.Bind(1, row.Place).Run();
        _keys.Remove(key, row.Row.Run.Parent, row.Place);
        _lastEnds.Remove(row.Row.Run, row.Place, _names);
    }

    /// <summary>Deletes the rows of runs that are open no longer; within the group's transaction. Runs end about as they came, so most lie side by side, and go at once.</summary>
    public void Settle()
    {
        _closed.Sort();
        for (int from = 0, to; from < _closed.Count; from = to)
        {
            to = from + 1;
            while (to < _closed.Count && _closed[to] == _closed[to - 1] + 1)
            {
                to++;
            }
            _deleteOpen.Bind(1, _closed[from]).Bind(2, _closed[to - 1]).Run();
        }
        _closed.Clear();
    }

    /// <summary>Where a row is, it stays, as long as its instant does: else pages would repeat or skip it. Null when it moves.</summary>
    public static long? StandsAt(StoredRow? before, TaskRun run) => before is { } old && old.Row.Run.At == run.At ? old.At : null;

    StoredRow Put(Statement put, long place, long at, in FoldedRun row)
    {
        put.Bind(1, place).Bind(2, at);
        _codec.Bind(put, 3, at, row, _names);
        put.Run();
        return new StoredRow(place, at, IsOpen: true, row);
    }

    long Exchange(long at, Instant instant)
    {
        _instants.Release(at);
        return _instants.Reserve(instant);
    }

    bool TryPutEnded(long at, in FoldedRun row)
    {
        _putEnded.Bind(1, at);
        _codec.Bind(_putEnded, 2, at, row, _names);
        return _putEnded.TryRun();
    }
}
