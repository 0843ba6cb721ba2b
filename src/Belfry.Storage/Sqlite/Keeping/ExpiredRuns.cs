using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>Finds the runs that may go, on a reader's connection, a batch at a time and oldest first: by age over all runs, by count task by task.</summary>
sealed class ExpiredRuns
{
    /// <summary>What a run takes beside its payload: the row and its entries in the indexes, measured over 10 million runs.</summary>
    public const int BytesBesidePayload = 125;

    readonly RetentionPolicy _policy;
    readonly Instant _now;
    readonly HashSet<long> _kept = []; // as many as tasks × states of the site
    readonly List<Lane> _lanes = [];   // all runs, and each task that has too many
    int _lane;
    long _after = long.MinValue;

    public ExpiredRuns(Database database, RetentionPolicy policy, Instant now)
    {
        (_policy, _now) = (policy, now);
        Instant latest = policy.LatestHorizon(now);
        _lanes.Add(new Lane(null, latest.Micros));
        KeepLastEnds(database);
        foreach ((long name, long source, long lastEnd) in Tasks(database))
        {
            if (lastEnd < latest.Micros || policy.Count is not null)
            {
                KeepLastRun(database, name, source);
            }
            if (policy.Count is { } count && TooMany(database, name, source, count) is { } newest)
            {
                _lanes.Add(new Lane((name, source), newest + 1));
            }
        }
    }

    /// <summary>The next runs that may go, and how many bytes they take, about; none at the end.</summary>
    public (List<ExpiredRun> Runs, long Bytes) Next(Database database, int most, IRowContext context)
    {
        var found = new List<ExpiredRun>();
        long bytes = 0;
        for (; _lane < _lanes.Count && found.Count < most; (_lane, _after) = found.Count < most ? (_lane + 1, long.MinValue) : (_lane, _after))
        {
            Lane lane = _lanes[_lane];
            using Statement read = lane.Read(database, _after);
            while (found.Count < most && read.Step())
            {
                _after = read.Int64(0);
                if (MayGo(read, lane.Task is not null, context))
                {
                    TaskRun run = RowCodec.Read(read, Lane.First, _after, context);
                    found.Add(ExpiredRun.Of(run, _after, read.Int64OrNull(Lane.First + 2), read.Int32(Lane.First + 1), _policy));
                    bytes += BytesBesidePayload + read.Int64(1);
                }
            }
        }
        return (found, bytes);
    }

    /// <summary>What would go.</summary>
    public static RetentionPreview Preview(Database database, RetentionPolicy policy, Instant now, IRowContext context)
    {
        const int step = 10_000;
        var walk = new ExpiredRuns(database, policy, now);
        (long runs, long bytes) = (0, 0);
        while (walk.Next(database, step, context) is ({ Count: > 0 } found, { } size))
        {
            (runs, bytes) = (runs + found.Count, bytes + size);
        }
        return new RetentionPreview(runs, bytes);
    }

    bool MayGo(Statement row, bool beyondCount, IRowContext context)
    {
        long at = row.Int64(0);
        var state = (RunState)row.Int32(Lane.First + 3);
        // Why a run was cancelled stands in its payload.
        bool failure = state is RunState.Failed or RunState.Lost or RunState.Retried
            || (state == RunState.Cancelled && RetentionPolicy.IsFailure(RowCodec.Read(row, Lane.First, at, context)));
        bool tooOld = _policy.MayGo(new Instant(at), failure, _kept.Contains(at), beyondCount: false, _now);
        // Those that are too old as well were found in the first lane.
        return beyondCount ? !tooOld && _policy.MayGo(new Instant(at), failure, _kept.Contains(at), beyondCount, _now) : tooOld;
    }

    void KeepLastEnds(Database database)
    {
        using Statement ends = database.PrepareOnce("SELECT at FROM last_end");
        while (ends.Step())
        {
            _kept.Add(ends.Int64(0));
        }
    }

    /// <summary>The last run by its instant may have ended before another that began earlier.</summary>
    void KeepLastRun(Database database, long name, long source)
    {
        Statement last = database.Prepare("SELECT at FROM run INDEXED BY run_name WHERE name = ? AND source = ? ORDER BY at DESC LIMIT 1");
        if (last.Bind(1, name).Bind(2, source).Step())
        {
            _kept.Add(last.Int64(0));
        }
        last.Reset();
    }

    static List<(long Name, long Source, long LastEnd)> Tasks(Database database)
    {
        var tasks = new List<(long, long, long)>();
        using Statement read = database.PrepareOnce("SELECT name, source, max(at) FROM last_end GROUP BY name, source");
        while (read.Step())
        {
            tasks.Add((read.Int64(0), read.Int64(1), read.Int64(2)));
        }
        return tasks;
    }

    /// <summary>The newest run that is one too many; null when there are not so many.</summary>
    static long? TooMany(Database database, long name, long source, int count)
    {
        Statement read = database.Prepare("SELECT at FROM run INDEXED BY run_name WHERE name = ? AND source = ? ORDER BY at DESC LIMIT 1 OFFSET ?");
        long? at = read.Bind(1, name).Bind(2, source).Bind(3, count).Step() ? read.Int64(0) : null;
        read.Reset();
        return at;
    }

    /// <summary>One stretch of runs that is looked at.</summary>
    /// <param name="Task">One task of one source; null for all.</param>
    /// <param name="Before">Up to there.</param>
    sealed record Lane((long Name, long Source)? Task, long Before)
    {
        public const int First = 2; // of RowCodec.Columns

        public Statement Read(Database database, long after)
        {
            const string columns = $"SELECT at, coalesce(length(payload), 0), {RowCodec.Columns} FROM run";
            Statement read = database.PrepareOnce(Task is null
                ? $"{columns} NOT INDEXED WHERE at > ? AND at < ? ORDER BY at"
                : $"{columns} INDEXED BY run_name WHERE at > ? AND at < ? AND name = ? AND source = ? ORDER BY at");
            read.Bind(1, after).Bind(2, Before);
            return Task is { } task ? read.Bind(3, task.Name).Bind(4, task.Source) : read;
        }
    }
}
