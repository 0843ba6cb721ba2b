using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Search;
using Npgsql;

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
    readonly List<Lane> _lanes;
    readonly TimeProvider _clock;
    readonly long _began;
    readonly TimeSpan _deadline;
    int _looked;

    RunScan(SearchNode search, List<Lane> lanes, TimeProvider clock, TimeSpan deadline) =>
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
        List<Lane> lanes =
        [
            .. from table in Tables(states)
               from task in tasks is { Count: <= MostTasks } ? tasks.Select(number => (int?)number) : [null]
               select new Lane(question, table, task, filter, after ?? Place.Newest, ready ? wanted + 1 : RowsPerLook),
        ];
        await Lane.ReadAsync(question, lanes);
        return new RunScan(search, lanes, clock, deadline);
    }

    /// <summary>The next run; null at the end, or when time is over.</summary>
    public async Task<TaskRun?> NextAsync()
    {
        while (true)
        {
            Lane? newest = null;
            foreach (Lane lane in _lanes)
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
            if (++_looked % RowsPerLook == 0 && _clock.GetElapsedTime(_began) > _deadline)
            {
                RanOutOfTime = true;
                return null;
            }
            (Place place, TaskRun run) = newest.Take();
            At = place;
            if (_search.Holds(new Searchable(run)))
            {
                return run;
            }
        }
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

    /// <summary>One ordered stretch of rows, read in portions that grow.</summary>
    sealed class Lane(Question question, string table, int? task, RunFilter filter, Place before, int portion)
    {
        const int LargestPortion = 2000;

        readonly Queue<(Place Place, TaskRun Run)> _rows = new();
        readonly string _sql = $"""
            SELECT {RunColumns.All} FROM {table}
            WHERE at >= $1 AND at < $2 AND at <= $3 AND (at, id, source, attempt) < ($3, $4, $5, $6){(task is null ? "" : " AND name = $8")}
            ORDER BY at DESC, id DESC, source DESC, attempt DESC LIMIT $7
            """;

        Place _before = before;
        int _portion = portion;
        bool _ended;

        public (Place Place, TaskRun Run) Current => _rows.Peek();

        public async ValueTask<bool> HasRowAsync()
        {
            if (_rows.Count == 0 && !_ended)
            {
                await ReadAsync(question, [this]);
            }
            return _rows.Count > 0;
        }

        public (Place Place, TaskRun Run) Take() => _rows.Dequeue();

        /// <summary>Reads the next portions of lanes, all in one round trip.</summary>
        public static async Task ReadAsync(Question question, IReadOnlyList<Lane> lanes)
        {
            await using var batch = new NpgsqlBatch(question.Connection);
            foreach (Lane lane in lanes)
            {
                batch.BatchCommands.Add(lane.ToCommand());
            }
            if (lanes.Count == 0)
            {
                return;
            }
            await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(question.Cancel);
            foreach (Lane lane in lanes)
            {
                while (await row.ReadAsync(question.Cancel))
                {
                    lane._rows.Enqueue((Place.Of(row), RunColumns.Read(row, question.Context)));
                }
                lane.Advance();
                await row.NextResultAsync(question.Cancel);
            }
        }

        NpgsqlBatchCommand ToCommand()
        {
            object[] parameters =
            [
                filter.From?.Micros ?? long.MinValue, filter.To?.Micros ?? long.MaxValue,
                _before.At, Uuids.Of(_before.Id), _before.Source, _before.Attempt, _portion,
            ];
            return Commands.Of(_sql, task is { } number ? [.. parameters, number] : parameters);
        }

        void Advance()
        {
            _ended = _rows.Count < _portion;
            _before = _rows.Count > 0 ? _rows.Last().Place : _before;
            _portion = Math.Min(_portion * 2, LargestPortion);
        }
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
