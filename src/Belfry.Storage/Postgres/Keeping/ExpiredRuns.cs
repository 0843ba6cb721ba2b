using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Postgres.Rows;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>Finds the runs that may go, a portion at a time and oldest first: by age over all runs, by count task by task.</summary>
sealed class ExpiredRuns
{
    readonly RetentionPolicy _policy;
    readonly Instant _now;
    readonly Dictionary<(UInt128 Id, int Source, int Attempt), Place> _kept = []; // as many as tasks × states of the site
    readonly List<Lane> _lanes = []; // all runs, and each task that has too many; of both tables
    int _lane;
    Place _after = Place.Oldest;

    ExpiredRuns(RetentionPolicy policy, Instant now) => (_policy, _now) = (policy, now);

    /// <summary>The table of the portion last found.</summary>
    public string Table { get; private set; } = "";

    /// <summary>Runs that stay for ever: the last of their task, or its last in a state.</summary>
    public IReadOnlyList<Place> Kept => [.. _kept.Values];

    /// <summary>Learns what stays for ever, and where to look.</summary>
    public static async Task<ExpiredRuns> BeginAsync(Question question, RetentionPolicy policy, Instant now)
    {
        var walk = new ExpiredRuns(policy, now);
        Instant latest = policy.LatestHorizon(now);
        walk.AddLanes(null, Place.Oldest with { At = latest.Micros });
        await question.EachAsync("SELECT at, id, source, attempt FROM last_end", [], row => walk.Keep(KeyOf(row)));
        var tasks = new List<(int Name, int Source, long Last)>();
        await question.EachAsync("SELECT name, source, max(at) FROM last_end GROUP BY name, source", [], row => tasks.Add((row.GetInt32(0), row.GetInt32(1), row.GetInt64(2))));
        foreach ((int name, int source, long last) in tasks.Where(task => task.Last < latest.Micros || policy.Count is not null))
        {
            // The last run by its instant may have ended before another that began earlier.
            await NthNewestAsync(question, name, source, 0, walk.Keep);
            if (policy.Count is { } count)
            {
                await NthNewestAsync(question, name, source, count, newest => walk.AddLanes((name, source), newest with { Attempt = newest.Attempt + 1 }));
            }
        }
        return walk;
    }

    /// <summary>The next runs that may go, all of one table; none at the end.</summary>
    public async Task<List<ExpiredRun>> NextAsync(Question question, int most)
    {
        var found = new List<ExpiredRun>();
        while (_lane < _lanes.Count && found.Count == 0)
        {
            Lane lane = _lanes[_lane];
            int looked = 0;
            Table = lane.Table;
            await question.EachAsync(lane.Sql, lane.Parameters(_after, most), row =>
            {
                looked++;
                _after = Place.Of(row);
                TaskRun run = RunColumns.Read(row, question.Context);
                if (MayGo(run, lane.Task is not null))
                {
                    found.Add(ExpiredRun.Of(run, _after, row.GetFieldValue<uint>(RunColumns.Count), row.IsDBNull(RunColumns.Payload) ? 0 : row.GetFieldValue<byte[]>(RunColumns.Payload).Length, _policy));
                }
            });
            (_lane, _after) = looked < most ? (_lane + 1, Place.Oldest) : (_lane, _after);
        }
        return found;
    }

    bool MayGo(TaskRun run, bool beyondCount)
    {
        bool failure = RetentionPolicy.IsFailure(run), last = _kept.ContainsKey((_after.Id, _after.Source, _after.Attempt));
        bool tooOld = _policy.MayGo(run.At, failure, last, beyondCount: false, _now);
        // Those that are too old as well were found in the first lanes.
        return beyondCount ? !tooOld && _policy.MayGo(run.At, failure, last, beyondCount, _now) : tooOld;
    }

    void AddLanes((int Name, int Source)? task, Place before) => _lanes.AddRange([new Lane("run_done", task, before), new Lane("run_kept", task, before)]);

    void Keep(Place place) => _kept[(place.Id, place.Source, place.Attempt)] = place;

    static Task NthNewestAsync(Question question, int name, int source, int newer, Action<Place> found) => question.EachAsync(
        """
        SELECT at, id, source, attempt FROM (
          SELECT at, id, source, attempt FROM run_done WHERE name = $1 AND source = $2
          UNION ALL SELECT at, id, source, attempt FROM run_kept WHERE name = $1 AND source = $2) AS ended
        ORDER BY at DESC, id DESC, source DESC, attempt DESC LIMIT 1 OFFSET $3
        """,
        [name, source, newer],
        row => found(KeyOf(row)));

    static Place KeyOf(Npgsql.NpgsqlDataReader row) => new(row.GetInt64(0), Uuids.BitsOf(row.GetGuid(1)), row.GetInt32(2), row.GetInt32(3));

    /// <summary>One stretch of runs that is looked at.</summary>
    /// <param name="Table">The table.</param>
    /// <param name="Task">One task of one source; null for all.</param>
    /// <param name="Before">Up to there.</param>
    sealed record Lane(string Table, (int Name, int Source)? Task, Place Before)
    {
        public string Sql { get; } = $"""
            SELECT {RunColumns.All}, xmin FROM {Table}
            WHERE at >= $1 AND (at, id, source, attempt) > ($1, $2, $3, $4) AND at <= $5 AND (at, id, source, attempt) < ($5, $6, $7, $8)
            {(Task is null ? "" : "AND name = $10 AND source = $11 ")}ORDER BY at, id, source, attempt LIMIT $9
            """;

        public object[] Parameters(Place after, int most)
        {
            object[] all = [after.At, Uuids.Of(after.Id), after.Source, after.Attempt, Before.At, Uuids.Of(Before.Id), Before.Source, Before.Attempt, most];
            return Task is { } task ? [.. all, task.Name, task.Source] : all;
        }
    }
}
