using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>
/// Walks matching runs newest first, over open and ended ones. Each task, or each trouble of a task, has its own ordered index;
/// the walk merges a few of them, or looks at all runs when no index serves.
/// </summary>
sealed class RunScan : IDisposable
{
    const int MostLanes = 24; // beyond, one pass over all runs is cheaper than so many cursors
    const int RowsPerLook = 256;

    readonly RunMatch _match;
    readonly IRowContext _context;
    readonly List<Lane> _lanes = [];
    readonly TimeProvider _clock;
    readonly long _began;
    readonly TimeSpan _deadline;
    int _looked;

    public RunScan(Database database, RunMatch match, IRowContext context, Cursor? after, TimeProvider clock, TimeSpan deadline)
    {
        (_match, _context, _clock, _deadline, _began) = (match, context, clock, deadline, clock.GetTimestamp());
        if (match.IsHopeless)
        {
            return;
        }
        foreach ((string index, string condition) in Lanes(match))
        {
            _lanes.Add(new Lane(database, match, after, $"run {index} WHERE {condition}"));
        }
        if (match.States is null || match.States.Any(state => !state.IsFinal()))
        {
            _lanes.Add(new Lane(database, match, after, "open INDEXED BY open_at WHERE "));
        }
    }

    /// <summary>Where the walk is: the place of the run just read, or how far it looked when time ran out.</summary>
    public Cursor? At { get; private set; }

    /// <summary>The time allowed was over before the end.</summary>
    public bool RanOutOfTime { get; private set; }

    /// <summary>The next run; null at the end, or when time is over.</summary>
    public TaskRun? Next() => Advance() is { } lane ? RowCodec.Read(lane.Statement, Lane.First, lane.RowAt, _context) : null;

    /// <summary>Goes to the next run without reading it.</summary>
    public bool Skip() => Advance() is not null;

    /// <inheritdoc/>
    public void Dispose() => _lanes.ForEach(lane => lane.Dispose());

    Lane? Advance()
    {
        while (true)
        {
            Lane? newest = null;
            foreach (Lane lane in _lanes)
            {
                if (lane.HasRow && (newest is null || lane.RowAt > newest.RowAt))
                {
                    newest = lane;
                }
            }
            if (newest is null)
            {
                return null;
            }
            if (newest.IsTaken)
            {
                newest.Step();
                continue;
            }
            if (++_looked % RowsPerLook == 0 && _clock.GetElapsedTime(_began) > _deadline)
            {
                RanOutOfTime = true;
                return null;
            }
            At = new Cursor(newest.RowAt);
            newest.IsTaken = true;
            if (_match.Matches(newest.Statement, Lane.First, newest.RowAt))
            {
                return newest;
            }
        }
    }

    static IEnumerable<(string Index, string Condition)> Lanes(RunMatch match)
    {
        RunState[] ends = [.. (match.States ?? RunStates.All.ToHashSet()).Where(state => state.IsFinal())];
        if (ends.Length == 0)
        {
            return [];
        }
        bool onlyTroubles = !ends.Contains(RunState.Completed);
        int tasks = match.Tasks?.Count ?? 0;
        if (onlyTroubles && tasks > 0 && tasks * ends.Length <= MostLanes)
        {
            return from task in match.Tasks! from state in ends select ("INDEXED BY run_bad", $"name = {task} AND state = {(int)state} AND state <> 1 AND ");
        }
        if (tasks is > 0 and <= MostLanes)
        {
            return match.Tasks!.Select(task => ("INDEXED BY run_name", $"name = {task} AND "));
        }
        return onlyTroubles
            ? ends.Select(state => ("INDEXED BY run_state", $"state = {(int)state} AND state <> 1 AND "))
            : [("NOT INDEXED", "")];
    }

    /// <summary>One ordered stretch of rows.</summary>
    sealed class Lane : IDisposable
    {
        public const int First = 1; // of RowCodec.Columns

        public Lane(Database database, RunMatch match, Cursor? after, string rows)
        {
            Statement = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM {rows}at >= ? AND at < ? ORDER BY at DESC");
            Statement.Bind(1, match.From).Bind(2, Math.Min(match.To, after?.At ?? long.MaxValue));
            Step();
        }

        public Statement Statement { get; }

        public bool HasRow { get; private set; }

        /// <summary>The row was handed out; the next look goes on.</summary>
        public bool IsTaken { get; set; }

        public long RowAt { get; private set; }

        public void Step()
        {
            HasRow = Statement.Step();
            IsTaken = false;
            RowAt = HasRow ? Statement.Int64(0) : long.MinValue;
        }

        public void Dispose() => Statement.Dispose();
    }
}
