using Belfry.Storage.Rollups;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>Reads the figures of a span from rollups.</summary>
static class Figures
{
    const long MinuteMicros = 60_000_000, HourMicros = 3_600_000_000;

    /// <summary>Spans up to this have a bar per minute, longer ones per hour.</summary>
    static readonly TimeSpan MinutesUpTo = TimeSpan.FromDays(2);

    /// <summary>Spans up to this are counted minute by minute, longer ones from the beginning of their first hour.</summary>
    static readonly TimeSpan ExactUpTo = TimeSpan.FromHours(6);

    const string Sums = "sum(completed), sum(failed), sum(retried), sum(cancelled), sum(skipped), sum(lost)";
    static readonly RunState[] Ends = [RunState.Completed, RunState.Failed, RunState.Retried, RunState.Cancelled, RunState.Skipped, RunState.Lost];

    public static LogFigures Read(Database database, Instant from, Instant to, IReadOnlyList<string> tasks, IRowContext names)
    {
        bool exact = to - from <= ExactUpTo, minutes = to - from <= MinutesUpTo;
        (string table, long width) = exact ? ("minute", MinuteMicros) : ("hour", HourMicros);
        (long first, long last) = (RollupWriter.BucketOf(from, width), RollupWriter.BucketOf(to, width));
        HashSet<long>? wanted = tasks.Count == 0 ? null : [.. new RunMatch(database, new RunFilter { Tasks = tasks }, names).Tasks!];
        Dictionary<RunState, long> states = [];
        var byTask = new List<TaskFigures>();
        var durations = new DurationHistogram();
        Statement read = database.Prepare($"SELECT cell & 1048575, {Sums} FROM {table} WHERE cell >= ? AND cell < ? GROUP BY 1");
        read.Bind(1, first << 20).Bind(2, (last + 1) << 20);
        while (read.Step())
        {
            long name = read.Int64(0);
            long ended = Ends.Select((_, i) => read.Int64(i + 1)).Sum(), bad = read.Int64(2) + read.Int64(6);
            if (name is not (0 or RollupWriter.All) && ended > 0 && wanted?.Contains(name) != false)
            {
                byTask.Add(new TaskFigures(names.Text(name)!, ended, bad));
            }
            if (wanted is null ? name == RollupWriter.All : wanted.Contains(name))
            {
                for (int i = 0; i < Ends.Length; i++)
                {
                    states[Ends[i]] = states.GetValueOrDefault(Ends[i]) + read.Int64(i + 1);
                }
            }
        }
        read.Reset();
        AddDurations(database, table, first, last, wanted, durations);
        AddOpen(database, wanted, states);
        long barWidth = minutes ? MinuteMicros : HourMicros;
        return new LogFigures(
            new Instant(first * width), to, (int)(barWidth / 1_000_000), Buckets(database, minutes ? "minute" : "hour", barWidth, from, to, wanted),
            states, [.. byTask.OrderByDescending(task => task.Ended).ThenBy(task => task.Task, StringComparer.Ordinal)], durations.Percentile(0.95));
    }

    /// <summary>Ended runs of the whole log.</summary>
    public static long Ended(Database database) =>
        database.Number($"SELECT sum(completed + failed + retried + cancelled + skipped + lost) FROM hour WHERE cell & 1048575 = {RollupWriter.All}");

    static List<BucketFigures> Buckets(Database database, string table, long width, Instant from, Instant to, HashSet<long>? wanted)
    {
        var buckets = new List<BucketFigures>();
        Statement read = database.Prepare($"""
            SELECT cell >> 20, cell & 1048575, completed + failed + retried + cancelled + skipped + lost, failed + lost
            FROM {table} WHERE cell >= ? AND cell < ? ORDER BY cell
            """);
        read.Bind(1, RollupWriter.BucketOf(from, width) << 20).Bind(2, (RollupWriter.BucketOf(to, width) + 1) << 20);
        while (read.Step())
        {
            long name = read.Int64(1), ended = read.Int64(2);
            if (ended == 0 || !(wanted is null ? name == RollupWriter.All : wanted.Contains(name)))
            {
                continue;
            }
            var at = new Instant(read.Int64(0) * width);
            var bucket = new BucketFigures(at, ended, read.Int64(3));
            if (buckets.Count > 0 && buckets[^1].At == at)
            {
                buckets[^1] = new BucketFigures(at, buckets[^1].Ended + bucket.Ended, buckets[^1].Bad + bucket.Bad);
            }
            else
            {
                buckets.Add(bucket);
            }
        }
        read.Reset();
        return buckets;
    }

    static void AddDurations(Database database, string table, long first, long last, HashSet<long>? wanted, DurationHistogram durations)
    {
        Statement read = database.Prepare($"SELECT cell & 1048575, hist FROM {table} WHERE cell >= ? AND cell < ? AND (cell & 1048575 = ?3 OR NOT ?4) AND timed > 0");
        read.Bind(1, first << 20).Bind(2, (last + 1) << 20).Bind(3, RollupWriter.All).Bind(4, wanted is null ? 1 : 0);
        while (read.Step())
        {
            if (wanted is null || wanted.Contains(read.Int64(0)))
            {
                durations.Add(read.Bytes(1));
            }
        }
        read.Reset();
    }

    static void AddOpen(Database database, HashSet<long>? wanted, Dictionary<RunState, long> states)
    {
        Statement read = database.Prepare("SELECT state, name, count(*) FROM open GROUP BY state, name");
        while (read.Step())
        {
            var state = (RunState)read.Int32(0);
            if (wanted is null || wanted.Contains(read.Int64(1)))
            {
                states[state] = states.GetValueOrDefault(state) + read.Int64(2);
            }
        }
        read.Reset();
    }
}
