using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>Finds runs by id, by parent, by worker, and the last ends of a task.</summary>
static class RunFinder
{
    const int MostOfAFamily = 1000; // a run that calls more shows the newest of them
    const string Ended = $"SELECT at, {RowCodec.Columns} FROM run";
    const string Open = $"SELECT at, {RowCodec.Columns} FROM open";

    public static List<TaskRun> Find(Database database, string id, string? source, SeenIds? seen, IRowContext names) =>
    [
        .. With(database, "uid", id, seen, names).Where(run => source is null || run.Source == source)
            .OrderBy(run => run.Source, StringComparer.Ordinal).ThenBy(run => run.Attempt),
    ];

    public static List<TaskRun> Children(Database database, string source, string id, int limit, SeenIds? seen, IRowContext names)
    {
        IEnumerable<TaskRun> newest = With(database, "parent", id, seen, names).Where(run => run.Source == source)
            .GroupBy(run => run.Id).Select(attempts => attempts.MaxBy(run => run.Attempt)!);
        return [.. newest.OrderBy(run => run.At).Take(limit)];
    }

    /// <summary>The newest attempts of many runs: the rows whose keys are not written yet are looked through once for all of them.</summary>
    public static Dictionary<string, TaskRun> Newest(Database database, string source, IReadOnlyCollection<string> ids, SeenIds? seen, IRowContext names)
    {
        (List<long> segments, long from) = Segments(database);
        ILookup<string, long> tail = Tail(database, from, [.. ids]);
        var newest = new Dictionary<string, TaskRun>(StringComparer.Ordinal);
        Statement read = database.Prepare($"{Ended} WHERE at = ? AND uid = ?");
        foreach (string id in ids)
        {
            var runs = new List<TaskRun>();
            var places = new List<long>(tail[id]);
            AddOpen(database, "uid", id, runs, names);
            AddWritten(database, id, segments, seen, places);
            foreach (long place in places.Distinct())
            {
                IdColumn.Bind(read.Bind(1, place), 2, id);
                AddAll(read, runs, names);
            }
            if (runs.Where(run => run.Source == source).MaxBy(run => run.Attempt) is { } found)
            {
                newest[id] = found;
            }
        }
        return newest;
    }

    static ILookup<string, long> Tail(Database database, long from, HashSet<string> ids)
    {
        var found = new List<(string Id, long At)>();
        Statement tail = database.Prepare("SELECT at, uid FROM run WHERE at >= ?").Bind(1, from);
        while (tail.Step())
        {
            if (IdColumn.Read(tail, 1) is { } id && ids.Contains(id))
            {
                found.Add((id, tail.Int64(0)));
            }
        }
        tail.Reset();
        return found.ToLookup(row => row.Id, row => row.At, StringComparer.Ordinal);
    }

    /// <summary>Runs whose own id, or whose parent's, is this one: open ones, those whose keys are only in the writer's memory, and those found by key.</summary>
    static List<TaskRun> With(Database database, string column, string id, SeenIds? seen, IRowContext names)
    {
        var runs = new List<TaskRun>();
        (List<long> segments, long from) = Segments(database);
        AddOpen(database, column, id, runs, names);
        Statement tail = database.Prepare($"{Ended} WHERE at >= ? AND {column} = ? LIMIT {MostOfAFamily}");
        IdColumn.Bind(tail.Bind(1, from), 2, id);
        AddAll(tail, runs, names);
        var places = new List<long>();
        AddWritten(database, id, segments, seen, places);
        Statement read = database.Prepare($"{Ended} WHERE at = ? AND {column} = ?");
        foreach (long place in places.Distinct().Where(place => place < from).TakeWhile(_ => runs.Count < MostOfAFamily))
        {
            IdColumn.Bind(read.Bind(1, place), 2, id);
            AddAll(read, runs, names);
        }
        return runs;
    }

    /// <summary>Each segment that is asked costs a page of the disk; beside the writer it is known which of them need not be.</summary>
    static void AddWritten(Database database, string id, List<long> segments, SeenIds? seen, List<long> places)
    {
        var key = RunKey.Of(id, 0);
        KeySegments.AddWritten(database, key, seen?.Among(segments, key.LowBits) ?? segments, places);
    }

    static void AddOpen(Database database, string column, string id, List<TaskRun> runs, IRowContext names)
    {
        var places = new List<long>();
        if (!OpenKeys.TryFind(database, RunKey.Of(id, 0), places))
        {
            Statement all = database.Prepare($"{Open} WHERE {column} = ? LIMIT {MostOfAFamily}");
            IdColumn.Bind(all, 1, id);
            AddAll(all, runs, names);
        }
        Statement read = database.Prepare($"{Open} WHERE id = ? AND {column} = ?");
        foreach (long place in places.TakeWhile(_ => runs.Count < MostOfAFamily))
        {
            IdColumn.Bind(read.Bind(1, place), 2, id);
            AddAll(read, runs, names);
        }
    }

    public static List<TaskRun> OpenRunsOf(Database database, string source, string worker, IRowContext names)
    {
        var runs = new List<TaskRun>();
        if (KnownNames.Number(database, NameKind.Source, source) is { } from && KnownNames.Number(database, NameKind.Worker, worker) is { } of)
        {
            AddAll(database.Prepare(Open + " WHERE source = ? AND worker = ?").Bind(1, from).Bind(2, of), runs, names);
        }
        return runs;
    }

    public static TaskRun? LastEnd(Database database, string task, string? source, IReadOnlyList<RunState> states, IRowContext names)
    {
        if (KnownNames.Number(database, NameKind.Task, task) is not { } name)
        {
            return null;
        }
        HashSet<int> wanted = EndKind.Wanted(states);
        (long Ended, long At)? last = null;
        Statement read = database.Prepare("SELECT source, state, ended, at FROM last_end WHERE name = ?").Bind(1, name);
        while (read.Step())
        {
            bool isWanted = wanted.Contains(read.Int32(1)) && (source is null || names.Text(read.Int64(0)) == source);
            if (isWanted && (last is null || read.Int64(2) > last.Value.Ended))
            {
                last = (read.Int64(2), read.Int64(3));
            }
        }
        read.Reset();
        var runs = new List<TaskRun>();
        if (last is { } found)
        {
            AddAll(database.Prepare(Ended + " WHERE at = ?").Bind(1, found.At), runs, names);
        }
        return runs.FirstOrDefault();
    }

    public static List<string> SourcesOfTask(Database database, string task, IRowContext names)
    {
        var sources = new SortedSet<string>(StringComparer.Ordinal);
        if (KnownNames.Number(database, NameKind.Task, task) is { } name)
        {
            Statement read = database.Prepare("SELECT source FROM last_end WHERE name = ?1 UNION SELECT source FROM open WHERE name = ?1").Bind(1, name);
            while (read.Step())
            {
                sources.Add(names.Text(read.Int64(0))!);
            }
            read.Reset();
        }
        return [.. sources];
    }

    /// <summary>The segments that have keys, and from where on keys are only in the writer's memory.</summary>
    static (List<long> Segments, long From) Segments(Database database)
    {
        (List<long> Segments, long From) found = ([], long.MinValue);
        Statement all = database.Prepare("SELECT id, from_at FROM segment ORDER BY id");
        while (all.Step())
        {
            found.Segments.Add(all.Int64(0));
            found.From = all.Int64(1);
        }
        all.Reset();
        return found;
    }

    static void AddAll(Statement read, List<TaskRun> runs, IRowContext names)
    {
        while (read.Step())
        {
            runs.Add(RowCodec.Read(read, 1, read.Int64(0), names));
        }
        read.Reset();
    }
}
