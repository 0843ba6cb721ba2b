using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Schema;
using Belfry.Storage.Sqlite.Texts;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>Reads what the log knows beside runs.</summary>
static class SurroundingsReader
{
    public static List<WorkerStatus> Workers(Database database, IRowContext names)
    {
        Dictionary<(long, long), long> open = [];
        Statement count = database.Prepare("SELECT source, worker, count(*) FROM open WHERE worker IS NOT NULL GROUP BY source, worker");
        while (count.Step())
        {
            open[(count.Int64(0), count.Int64(1))] = count.Int64(2);
        }
        count.Reset();
        var workers = new List<WorkerStatus>();
        Statement read = database.Prepare("SELECT source, name, online, beat, heard, pid, frequency, active, processed, software FROM worker");
        while (read.Step())
        {
            var beat = new WorkerBeat((int?)read.Int64OrNull(5), read.DoubleOrNull(6), read.Int64OrNull(7), read.Int64OrNull(8), read.Text(9));
            workers.Add(new WorkerStatus(
                names.Text(read.Int64(0))!, names.Text(read.Int64(1))!, read.Int64(2) != 0, new Instant(read.Int64(3)), new Instant(read.Int64(4)),
                beat, open.GetValueOrDefault((read.Int64(0), read.Int64(1)))));
        }
        read.Reset();
        return [.. workers.OrderBy(worker => worker.Online).ThenBy(worker => worker.Source, StringComparer.Ordinal).ThenBy(worker => worker.Name, StringComparer.Ordinal)];
    }

    public static List<SourceStatus> Sources(Database database, IRowContext names)
    {
        var sources = new List<SourceStatus>();
        Statement read = database.Prepare("SELECT name, kind, heard, listened, misses, last_event, problem FROM source");
        while (read.Step())
        {
            Instant? lastEvent = read.Int64OrNull(5) is { } micros ? new Instant(micros) : null;
            sources.Add(new SourceStatus(
                names.Text(read.Int64(0))!, read.Text(1)!, new Instant(read.Int64(2)), new Instant(read.Int64(3)), read.Int64(4) != 0, lastEvent, read.Text(6)));
        }
        read.Reset();
        return [.. sources.OrderBy(source => source.Name, StringComparer.Ordinal)];
    }

    public static List<SourceGap> Gaps(Database database, Instant from, Instant to, Instant silentSince, IRowContext names)
    {
        var gaps = new List<SourceGap>();
        Statement read = database.Prepare("SELECT source, from_at, to_at, reason FROM gap WHERE to_at >= ? AND from_at <= ?").Bind(1, from.Micros).Bind(2, to.Micros);
        while (read.Step())
        {
            gaps.Add(new SourceGap(names.Text(read.Int64(0))!, new Instant(read.Int64(1)), new Instant(read.Int64(2)), read.Text(3)!));
        }
        read.Reset();
        gaps.AddRange(Sources(database, names).Select(source => source.OpenGap(silentSince, to)).OfType<SourceGap>());
        return [.. gaps.OrderBy(gap => gap.From)];
    }

    public static List<Refusal> Refusals(Database database, IRowContext names)
    {
        var refusals = new List<Refusal>();
        Statement read = database.Prepare("SELECT source, what, times, last FROM refusal ORDER BY last DESC");
        while (read.Step())
        {
            refusals.Add(new Refusal(names.Text(read.Int64(0))!, read.Text(1)!, read.Int64(2), new Instant(read.Int64(3))));
        }
        read.Reset();
        return refusals;
    }

    public static StoreStatus Store(Database database, StoreUrl url)
    {
        long bytes = 0;
        long? free = null;
        if (url.Path is { } path)
        {
            bytes = new[] { path, path + "-wal" }.Where(File.Exists).Sum(file => new FileInfo(file).Length);
            free = new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;
        }
        return new StoreStatus(
            url.Text, $"SQLite {Database.LibraryVersion}", Migrations.VersionOf(database), bytes, free,
            Figures.Ended(database), database.Number("SELECT count(*) FROM open")) { TextIndex = TextWeeks.StatusOf(database), TextIndexLacks = TextWeeks.Lacks };
    }
}
