using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>What the next start of tasks may depend on, however long their history is.</summary>
static class LastRuns
{
    const int Newest = 5; // the last that started need not be the last that ended; of runs that overlap so many are looked at

    /// <summary>Of each task its open runs, the last of each kind of end, and the newest.</summary>
    public static IReadOnlyList<TaskRun> Of(Database database, IReadOnlyCollection<string> tasks, SeenIds? seen, IRowContext names)
    {
        var found = new Dictionary<(string, string, int), TaskRun>();
        void Add(Statement read)
        {
            while (read.Step())
            {
                TaskRun run = RowCodec.Read(read, 1, read.Int64(0), names);
                found[(run.Source, run.Id, run.Attempt)] = run;
            }
            read.Reset();
        }
        HashSet<long> numbers = [.. tasks.Select(task => KnownNames.Number(database, NameKind.Task, task)).OfType<long>()];
        foreach (long open in Open(database, numbers))
        {
            Add(database.Prepare($"SELECT at, {RowCodec.Columns} FROM open WHERE id = ?").Bind(1, open));
        }
        foreach (long number in numbers)
        {
            Add(database.Prepare($"SELECT at, {RowCodec.Columns} FROM run WHERE name = ? ORDER BY at DESC LIMIT {Newest}").Bind(1, number));
            Add(database.Prepare($"SELECT at, {RowCodec.Columns} FROM run WHERE at IN (SELECT at FROM last_end WHERE name = ?)").Bind(1, number));
        }
        IEnumerable<TaskRun> attempts = found.Values.Where(run => run.Attempt > 1).DistinctBy(run => (run.Source, run.Id)).ToList()
            .SelectMany(run => RunFinder.Find(database, run.Id, run.Source, seen, names));
        return [.. found.Values.Concat(attempts).DistinctBy(run => (run.Source, run.Id, run.Attempt))];
    }

    static List<long> Open(Database database, HashSet<long> numbers)
    {
        var ids = new List<long>();
        Statement all = database.Prepare("SELECT id, name FROM open");
        while (all.Step())
        {
            if (all.Int64OrNull(1) is { } name && numbers.Contains(name))
            {
                ids.Add(all.Int64(0));
            }
        }
        all.Reset();
        return ids;
    }
}
