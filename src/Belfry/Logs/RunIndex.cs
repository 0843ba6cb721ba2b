using System.Runtime.InteropServices;

namespace Belfry;

/// <summary>Runs in memory, by id and by task, made of events as they come. Not safe for several threads.</summary>
sealed class RunIndex(int mostRuns, TimeSpan age, TimeSpan failureAge)
{
    const int LivesKept = 10_000; // of ended runs: a late event usually comes soon; later its run is made of its row
    static readonly TimeSpan Sweep = TimeSpan.FromHours(1);

    readonly Dictionary<(string Source, string Id), Kept> _runs = []; // bounded by mostRuns, open and last runs aside; emptied by Forget
    readonly Dictionary<string, TaskRuns> _tasks = [];
    readonly Queue<Kept> _ended = []; // those whose events are still kept; bounded by LivesKept
    int _endedRuns, _most = mostRuns + (mostRuns / 10);
    Instant _swept;

    /// <summary>Adds an event, and tells the rows that changed by it.</summary>
    public IReadOnlyList<LogChange> Add(TaskEvent item)
    {
        if (item.Kind.IsAboutWorker())
        {
            return [];
        }
        ref Kept? kept = ref CollectionsMarshal.GetValueRefOrAddDefault(_runs, (item.Source, item.Id), out _);
        kept ??= new Kept();
        kept.Life ??= Revive(item.Source, item.Id, kept.Rows);
        return kept.Life.Add(item) ? Replace(kept, [.. kept.Life.Fold().Select(row => row.Run)]) : [];
    }

    /// <summary>The last start of any run of a task.</summary>
    public Instant? LastStart(string? task) => _tasks.GetValueOrDefault(task ?? "")?.Last(RunAction.Started)?.Started;

    /// <summary>The run that did this last.</summary>
    public TaskRun? Last(string task, RunAction action) => _tasks.GetValueOrDefault(task)?.Last(action);

    /// <summary>The runs that match.</summary>
    public IReadOnlyList<TaskRun> Find(RunQuery query)
    {
        IEnumerable<TaskRun> found = Candidates(query);
        found = query.OldestFirst ? found.OrderBy(run => run.At) : found.OrderByDescending(run => run.At);
        return [.. query.Limit is { } limit ? found.Take(limit) : found];
    }

    /// <summary>How many match.</summary>
    public long Count(RunQuery query) => Candidates(query).LongCount();

    /// <summary>What conditions ask about these tasks.</summary>
    public Dictionary<string, TaskHistory> Histories(IReadOnlyDictionary<string, Instant> since)
    {
        var histories = new Dictionary<string, TaskHistory>(since.Count);
        foreach ((string task, Instant from) in since)
        {
            if (_tasks.TryGetValue(task, out TaskRuns? runs))
            {
                histories[task] = runs.History(from);
            }
        }
        return histories;
    }

    /// <summary>All rows, by id.</summary>
    public IEnumerable<IReadOnlyList<TaskRun>> Rows() => _runs.Values.Select(kept => kept.Rows);

    /// <summary>Open runs, the last of each kind of every task, and so many of the newest.</summary>
    public IReadOnlyList<TaskRun> Worth(int newest) =>
    [
        .. _tasks.Values.SelectMany(task => task.Lasts())
            .Concat(_runs.Values.Where(kept => !kept.IsEnded).SelectMany(kept => kept.Rows))
            .Concat(_tasks.Values.SelectMany(task => task.Rows).OrderByDescending(run => run.At).Take(newest))
            .DistinctBy(run => (run.Source, run.Id, run.Attempt)),
    ];

    /// <summary>Lets ended runs go that are too old or too many; every hour, or when there are a tenth too many. False when it was not time yet.</summary>
    public bool Forget(Instant now)
    {
        if (_swept == default)
        {
            _swept = now;
        }
        if (_endedRuns <= _most && now - _swept < Sweep)
        {
            return false;
        }
        _swept = now;
        var last = _tasks.Values.SelectMany(task => task.Lasts()).Select(run => (run.Source, run.Id)).ToHashSet();
        List<KeyValuePair<(string, string), Kept>> ended =
            [.. _runs.Where(run => run.Value.IsEnded && !last.Contains(run.Key)).OrderByDescending(run => run.Value.Rows[^1].Finished)];
        for (int i = 0; i < ended.Count; i++)
        {
            TaskRun run = ended[i].Value.Rows[^1];
            TimeSpan kept = run.State is RunState.Completed or RunState.Skipped or RunState.Cancelled ? age : failureAge;
            if (i >= mostRuns || run.Finished < now - kept)
            {
                _runs.Remove(ended[i].Key);
                Replace(ended[i].Value, []);
            }
        }
        _most = Math.Max(_endedRuns, mostRuns) + (mostRuns / 10); // what must stay may be more than the limit
        return true;
    }

    List<LogChange> Replace(Kept kept, TaskRun[] rows)
    {
        var changes = new List<LogChange>(rows.Length);
        foreach (TaskRun old in kept.Rows)
        {
            if (!Array.Exists(rows, row => row.Attempt == old.Attempt && row.Task == old.Task))
            {
                _tasks[old.Task ?? ""].Remove(old);
                changes.Add(new LogChange(null, old));
            }
        }
        for (int i = 0; i < rows.Length; i++)
        {
            TaskRun row = rows[i];
            TaskRun? old = Array.Find(kept.Rows, other => other.Attempt == row.Attempt && other.Task == row.Task);
            if (old == row)
            {
                rows[i] = old; // the very one by which it stands with its task
            }
            else
            {
                ref TaskRuns? task = ref CollectionsMarshal.GetValueRefOrAddDefault(_tasks, row.Task ?? "", out _);
                (task ??= new TaskRuns()).Put(old, row);
                changes.Add(new LogChange(row, null));
            }
        }
        bool wasEnded = kept.IsEnded;
        kept.Rows = rows;
        if (kept.IsEnded != wasEnded)
        {
            _endedRuns += wasEnded ? -1 : 1;
            KeepLives(kept);
        }
        return changes;
    }

    void KeepLives(Kept kept)
    {
        if (kept.IsEnded)
        {
            _ended.Enqueue(kept);
            if (_ended.Count > LivesKept && _ended.Dequeue() is { IsEnded: true } old)
            {
                old.Life = null;
            }
        }
    }

    IEnumerable<TaskRun> Candidates(RunQuery query)
    {
        IEnumerable<TaskRuns> tasks = query.OneOf(nameof(RunFields.Task)) is { } names
            ? names.Distinct().Select(name => _tasks.GetValueOrDefault((string)name)).OfType<TaskRuns>()
            : _tasks.Values;
        if (query.OneOf(nameof(RunFields.Id)) is [string id] && query.OneOf(nameof(RunFields.Source)) is [string source])
        {
            return (_runs.GetValueOrDefault((source, id))?.Rows ?? []).Where(query.Matches);
        }
        return query.OneOf(nameof(RunFields.Id)) is { } ids
            ? _runs.Where(run => ids.Contains(run.Key.Id)).SelectMany(run => run.Value.Rows).Where(query.Matches)
            : tasks.SelectMany(task => task.Rows).Where(query.Matches);
    }

    /// <summary>The events that its rows stand for.</summary>
    static Life Revive(string source, string id, TaskRun[] rows)
    {
        var life = new Life(source, id);
        foreach (TaskRun row in rows)
        {
            foreach (TaskEvent item in RowEvents.Of(row))
            {
                life.Add(item);
            }
        }
        return life;
    }

    sealed class Kept
    {
        public Life? Life { get; set; }

        public TaskRun[] Rows { get; set; } = [];

        public bool IsEnded => Rows.Length > 0 && Rows[^1].State.IsFinal();
    }
}
