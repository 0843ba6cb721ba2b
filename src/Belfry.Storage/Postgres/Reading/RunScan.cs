using Belfry.Storage.Postgres.Texts;
using Belfry.Storage.Search;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>
/// Walks matching runs newest first, over the tables of open, kept and done runs; where few tasks are asked for, over each task's own index.
/// What no index serves is looked at here, in portions: so a search knows at any time how far it came.
/// </summary>
sealed class RunScan
{
    const int MostTasks = 8; // beyond, one pass over all runs is cheaper than so many walks
    const int RowsPerLook = 256;

    readonly SearchNode _search;
    readonly List<ILane> _lanes;
    readonly TimeProvider _clock;
    readonly long _began;
    readonly TimeSpan _deadline;
    Place? _last; // just looked at: a run that changed since it was put into the index of texts may be found twice
    int _looked;

    RunScan(SearchNode search, List<ILane> lanes, TimeProvider clock, TimeSpan deadline) =>
        (_search, _lanes, _clock, _deadline, _began) = (search, lanes, clock, deadline, clock.GetTimestamp());

    /// <summary>Where the walk is: the place of the run just read, or how far it looked when time ran out.</summary>
    public Place? At { get; private set; }

    /// <summary>The time allowed was over before the end.</summary>
    public bool RanOutOfTime { get; private set; }

    /// <summary>Gets ready to walk.</summary>
    public static async Task<RunScan> BeginAsync(Question question, RunFilter filter, int wanted, Place? after, TimeProvider clock, TimeSpan deadline)
    {
        SearchNode search = filter.ToSearch();
        IReadOnlySet<RunState>? states = null;
        HashSet<int>? tasks = null;
        int others = 0;
        foreach (SearchNode node in search.Conjuncts)
        {
            if (node is NameIs { Field: SearchField.Task } task)
            {
                HashSet<int> numbers = await TaskNames.NumbersAsync(question, task.Names);
                tasks = tasks is null ? numbers : [.. tasks.Intersect(numbers)];
            }
            else if (node is StateIs state)
            {
                states = states is null ? state.States : states.Intersect(state.States).ToHashSet();
            }
            else
            {
                others++;
            }
        }
        bool ready = others == 0 && states is null && tasks is not { Count: > MostTasks };
        (long, long) span = (filter.From?.Micros ?? long.MinValue, filter.To?.Micros ?? long.MaxValue);
        if (await TextsAsync(question, search, tasks, states, span, after ?? Place.Newest) is { } found)
        {
            return new RunScan(search, found, clock, deadline);
        }
        List<RowLane> lanes =
        [
            .. from table in Tables(states)
               from task in tasks is { Count: <= MostTasks } ? tasks.Select(number => (int?)number) : [null]
               select new RowLane(question, table, task, span, after ?? Place.Newest, ready ? wanted + 1 : RowsPerLook),
        ];
        await RowLane.ReadAsync(question, lanes);
        return new RunScan(search, [.. lanes], clock, deadline);
    }

    /// <summary>The next run; null at the end, or when time is over.</summary>
    public async Task<TaskRun?> NextAsync()
    {
        while (true)
        {
            ILane? newest = null;
            foreach (ILane lane in _lanes)
            {
                if (await lane.HasRowAsync() && (newest is null || lane.Current.Place.IsNewerThan(newest.Current.Place)))
                {
                    newest = lane;
                }
            }
            if (newest is null)
            {
                return null;
            }
            bool isMark = newest.Current.Run is null;
            At = isMark ? newest.Current.Place : At;
            if ((++_looked % RowsPerLook == 0 || isMark) && _clock.GetElapsedTime(_began) > _deadline)
            {
                RanOutOfTime = true;
                return null;
            }
            (Place place, TaskRun? run) = newest.Take();
            if (run is not null && place != _last)
            {
                (At, _last) = (place, place);
                if (_search.Holds(new Searchable(run)))
                {
                    return run;
                }
            }
        }
    }

    /// <summary>
    /// The index of texts finds the runs, where it knows something of the search: besides, those that are not in it and those that came since are looked at.
    /// Null where other indexes serve better: those of few tasks, and the table of troubles.
    /// </summary>
    static async Task<List<ILane>?> TextsAsync(Question question, SearchNode search, HashSet<int>? tasks, IReadOnlySet<RunState>? states, (long From, long To) span, Place before)
    {
        if (TextClue.Of(search) is not { } clue || states?.Contains(RunState.Completed) == false || await TextWeeks.AllAsync(question) is not { Count: > 0 } weeks)
        {
            return null;
        }
        List<TextStretch> stretches = [.. TextStretch.Of(weeks, span.From, before.At == long.MaxValue ? span.To : Math.Min(span.To, before.At + 1))];
        string[] tables = ["run_kept", "run_done"];
        List<RowLane> rows =
        [
            .. from stretch in stretches
               where stretch.Week is null
               from table in tables
               select new RowLane(question, table, null, (stretch.From, stretch.To), before, RowsPerLook),
        ];
        await RowLane.ReadAsync(question, rows);
        foreach (RowLane outside in tasks is { Count: <= MostTasks } ? rows : [])
        {
            if (await outside.HasRowAsync())
            {
                return null;
            }
        }
        IEnumerable<RowLane> due = tables.Select(table => new RowLane(question, table, null, span, before, RowsPerLook, " AND at IN (SELECT at FROM text_due)"));
        IEnumerable<RowLane> open = Tables(states).Where(table => table == "run_open").Select(table => new RowLane(question, table, null, span, before, RowsPerLook));
        return [new TextLane(question, stretches.Where(stretch => stretch.Week is not null), clue, before), .. rows, .. due, .. open];
    }

    /// <summary>The tables in which runs of these states are.</summary>
    static IEnumerable<string> Tables(IReadOnlySet<RunState>? states)
    {
        bool Wanted(Func<RunState, bool> some) => states is null || states.Any(some);
        return new[]
        {
            Wanted(state => !state.IsFinal()) ? "run_open" : null,
            Wanted(state => state.IsFinal() && state != RunState.Completed) ? "run_kept" : null,
            Wanted(state => state == RunState.Completed) ? "run_done" : null,
        }.OfType<string>();
    }
}

/// <summary>Tasks by name.</summary>
static class TaskNames
{
    /// <summary>The numbers of the tasks that are named; <c>*</c> stands for anything.</summary>
    public static async Task<HashSet<int>> NumbersAsync(Question question, IReadOnlyList<string> wanted)
    {
        if (!wanted.Any(Glob.IsPattern))
        {
            return [.. wanted.Select(text => question.Names.Find(NameKind.Task, text)).OfType<int>()];
        }
        var numbers = new HashSet<int>();
        await question.EachAsync("SELECT id, text FROM name WHERE kind = $1", [(short)NameKind.Task], row =>
        {
            if (wanted.Any(pattern => Glob.Matches(pattern, row.GetString(1))))
            {
                numbers.Add(row.GetInt32(0));
            }
        });
        return numbers;
    }
}
