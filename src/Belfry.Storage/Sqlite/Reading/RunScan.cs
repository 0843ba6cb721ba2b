using Belfry.Storage.Rows;
using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Sqlite.Texts;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>
/// Walks matching runs newest first, over open and ended ones. Each task, or each trouble of a task, has its own ordered index;
/// the walk merges a few of them, or looks at all runs when no index serves.
/// </summary>
sealed class RunScan : IDisposable
{
    const int MostLanes = 24; // beyond, one pass over all runs is cheaper than so many cursors
    const int RowsPerLook = 256;
    const string NoIndex = "NOT INDEXED";

    readonly RunMatch _match;
    readonly IRowContext _context;
    readonly List<ILane> _lanes = [];
    readonly TimeProvider _clock;
    readonly long _began;
    readonly TimeSpan _deadline;
    long _last = long.MinValue; // the row just looked at: one that changed since it was put into the index of texts may be found twice
    int _looked;

    public RunScan(Database database, RunMatch match, IRowContext context, Cursor? after, TimeProvider clock, TimeSpan deadline)
    {
        (_match, _context, _clock, _deadline, _began) = (match, context, clock, deadline, clock.GetTimestamp());
        if (match.IsHopeless)
        {
            return;
        }
        (long from, long to) = (match.From, Math.Min(match.To, after?.At ?? long.MaxValue));
        if (!TryTexts(database, from, to))
        {
            foreach ((string index, string condition) in Lanes(match))
            {
                _lanes.Add(index == NoIndex && match.IsChoice
                    ? new StretchLane(database, match, from, to)
                    : new RowLane(database, from, to, $"run {index} WHERE {condition}"));
            }
        }
        if (match.States is null || match.States.Any(state => !state.IsFinal()))
        {
            _lanes.Add(new RowLane(database, from, to, "open INDEXED BY open_at WHERE "));
        }
    }

    /// <summary>Where the walk is: the place of the run just read, or how far it looked when time ran out.</summary>
    public Cursor? At { get; private set; }

    /// <summary>The time allowed was over before the end.</summary>
    public bool RanOutOfTime { get; private set; }

    /// <summary>The next run; null at the end, or when time is over.</summary>
    public TaskRun? Next() => Advance() is { } lane ? RowCodec.Read(lane.Row, RowLane.First, lane.At, _context) : null;

    /// <summary>Goes to the next run without reading it.</summary>
    public bool Skip() => Advance() is not null;

    /// <inheritdoc/>
    public void Dispose() => _lanes.ForEach(lane => lane.Dispose());

    ILane? Advance()
    {
        while (true)
        {
            ILane? newest = null;
            foreach (ILane lane in _lanes)
            {
                if (lane.HasPlace && (newest is null || lane.At > newest.At || (lane.At == newest.At && newest.IsMark)))
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
            At = newest.IsMark ? new Cursor(newest.At) : At;
            if ((++_looked % RowsPerLook == 0 || newest.IsMark) && _clock.GetElapsedTime(_began) > _deadline)
            {
                RanOutOfTime = true;
                return null;
            }
            newest.IsTaken = true;
            if (!newest.IsMark && newest.At != _last && IsWanted(newest))
            {
                return newest;
            }
        }
    }

    bool IsWanted(ILane lane)
    {
        At = new Cursor(lane.At);
        _last = lane.At;
        return _match.Matches(lane.Row, RowLane.First, lane.At);
    }

    /// <summary>
    /// Lets the index of texts find the runs, where it knows something of the search: besides, those that changed since they were put in are looked at.
    /// Few tasks, or failures alone, have indexes of their own, which serve better than looking at all that is not in it.
    /// </summary>
    bool TryTexts(Database database, long from, long to)
    {
        if (_match.Clue is not { } clue || !Ends(_match).Contains(RunState.Completed) || TextWeeks.All(database) is not { Count: > 0 } weeks || TextWeeks.Lacks is not null)
        {
            return false;
        }
        List<TextStretch> stretches = [.. TextStretch.Of(weeks, from, to)];
        if (_match.Tasks is { Count: <= MostLanes } && stretches.Exists(stretch => stretch.Week is null && HasRuns(database, stretch)))
        {
            return false;
        }
        _lanes.Add(new TextLane(database, stretches, TextMatch.Of(clue)));
        _lanes.Add(new RowLane(database, from, to, "text_due CROSS JOIN run ON run.at = text_due.at WHERE ", "text_due.at"));
        return true;
    }

    static bool HasRuns(Database database, TextStretch stretch)
    {
        Statement any = database.Prepare("SELECT 1 FROM run WHERE at >= ? AND at < ? LIMIT 1").Bind(1, stretch.From).Bind(2, stretch.To);
        bool has = any.Step();
        any.Reset();
        return has;
    }

    static RunState[] Ends(RunMatch match) => [.. (match.States ?? RunStates.All.ToHashSet()).Where(state => state.IsFinal())];

    static IEnumerable<(string Index, string Condition)> Lanes(RunMatch match)
    {
        RunState[] ends = Ends(match);
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
            : [(NoIndex, "")];
    }
}
