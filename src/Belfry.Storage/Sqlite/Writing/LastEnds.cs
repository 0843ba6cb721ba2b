using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Of each task and final state the run that ended last, so that "when did it last succeed?" never searches the log.</summary>
sealed class LastEnds
{
    readonly Database _database;
    readonly Dictionary<(long Name, long Source, int State), (long Ended, long At)> _last = []; // as many as tasks × states of the site
    readonly HashSet<(long Name, long Source, int State)> _changed = [];
    readonly Dictionary<(long Name, long Source, int State), long> _doubtful = []; // whose last run went away, and when that had ended; emptied by Write

    public LastEnds(Database database)
    {
        _database = database;
        using Statement all = database.PrepareOnce("SELECT name, source, state, ended, at FROM last_end");
        while (all.Step())
        {
            _last[(all.Int64(0), all.Int64(1), all.Int32(2))] = (all.Int64(3), all.Int64(4));
        }
    }

    public void Add(TaskRun run, long at, NameTable names)
    {
        if (KeyOf(run, names) is { } key && run.Finished is { } end && (!_last.TryGetValue(key, out (long Ended, long At) last) || end.Micros >= last.Ended))
        {
            _last[key] = (end.Micros, at);
            _changed.Add(key);
            if (_doubtful.TryGetValue(key, out long lost) && end.Micros >= lost)
            {
                _doubtful.Remove(key); // mostly the very run, of which a late event told something: none of the others ended later
            }
        }
    }

    /// <summary>This is the last run of its task and state.</summary>
    public bool IsLast(long name, long source, int state, long at) => _last.TryGetValue((name, source, state), out (long Ended, long At) last) && last.At == at;

    public void Remove(TaskRun run, long at, NameTable names)
    {
        if (KeyOf(run, names) is { } key && _last.TryGetValue(key, out (long Ended, long At) last) && last.At == at)
        {
            _last.Remove(key);
            _changed.Add(key);
            _doubtful[key] = last.Ended;
        }
    }

    /// <summary>Writes what changed; within the transaction. A task whose last run went away is searched for the one before.</summary>
    public void Write(NameTable names)
    {
        foreach ((long Name, long Source, int State) key in _doubtful.Keys)
        {
            Search(key, names);
        }
        Statement write = _database.Prepare("INSERT OR REPLACE INTO last_end(name, source, state, ended, at) VALUES(?, ?, ?, ?, ?)");
        Statement delete = _database.Prepare("DELETE FROM last_end WHERE name = ? AND source = ? AND state = ?");
        foreach ((long Name, long Source, int State) key in _changed)
        {
            bool has = _last.TryGetValue(key, out (long Ended, long At) last);
            Statement statement = has ? write.Bind(4, last.Ended).Bind(5, last.At) : delete;
            statement.Bind(1, key.Name).Bind(2, key.Source).Bind(3, key.State).Run();
        }
        _changed.Clear();
        _doubtful.Clear();
    }

    static (long, long, int)? KeyOf(TaskRun run, NameTable names) =>
        run.Task is null ? null : (names.Number(NameKind.Task, run.Task), names.Number(NameKind.Source, run.Source), EndKind.Of(run));

    /// <summary>Reads nothing but instants, as far as they tell it all: of cancelled runs only the payload says whether they were timed out.</summary>
    void Search((long Name, long Source, int State) key, NameTable names)
    {
        RunState state = EndKind.StateOf(key.State);
        Statement find = _database.Prepare(Ended(state));
        find.Bind(1, key.Name).Bind(2, key.Source).Bind(3, (long)state).Bind(4, state == RunState.Cancelled ? -1 : 1);
        while (find.Step())
        {
            (long at, long ended) = (find.Int64(0), find.Int64(1));
            if (state != RunState.Cancelled || KindOf(at, names) == key.State)
            {
                bool later = !_last.TryGetValue(key, out (long Ended, long At) last) || ended >= last.Ended;
                _last[key] = later ? (ended, at) : last;
                break;
            }
        }
        find.Reset();
    }

    /// <summary>The runs of a task, source and state, the last first. Without the words of the index run_bad it would not be used, and all runs of the task be read.</summary>
    public static string Ended(RunState state) =>
        $"SELECT at, at + ended FROM run WHERE name = ? AND source = ? AND state = ?{(state == RunState.Completed ? "" : " AND state <> 1")} ORDER BY at + ended DESC LIMIT ?";

    int KindOf(long at, NameTable names)
    {
        Statement read = _database.Prepare($"SELECT {RowCodec.Columns} FROM run WHERE at = ?").Bind(1, at);
        read.Step();
        int kind = EndKind.Of(RowCodec.Read(read, 0, at, names));
        read.Reset();
        return kind;
    }
}
