namespace Belfry;

/// <summary>The runs of one task, by their instants, and the last of each kind.</summary>
sealed class TaskRuns
{
    static readonly RunAction[] Actions = Enum.GetValues<RunAction>();
    readonly List<TaskRun> _rows = new(2);
    readonly TaskRun?[] _last = new TaskRun?[Actions.Length];
    int _unsure; // a bit for each action whose last run went away or changed: it is looked for when it is asked for

    /// <summary>The rows, oldest first.</summary>
    public IReadOnlyList<TaskRun> Rows => _rows;

    /// <summary>Puts a row in the place of what it was before, if it was there.</summary>
    public void Put(TaskRun? old, TaskRun row)
    {
        if (old is not null)
        {
            _rows.RemoveAt(PlaceOf(old));
        }
        int at = _rows.Count;
        while (at > 0 && Compare(_rows[at - 1], row) > 0)
        {
            at--;
        }
        _rows.Insert(at, row);
        PastRun past = PastRun.Of(row);
        foreach (RunAction action in Actions)
        {
            PutLast(action, past.At(action), old, row);
        }
    }

    /// <summary>Takes a row away.</summary>
    public void Remove(TaskRun row)
    {
        _rows.RemoveAt(PlaceOf(row));
        for (int action = 0; action < _last.Length; action++)
        {
            _unsure |= ReferenceEquals(_last[action], row) ? 1 << action : 0;
        }
    }

    /// <summary>The run that did this last.</summary>
    public TaskRun? Last(RunAction action)
    {
        LastAt(action);
        return _last[(int)action];
    }

    /// <summary>The last run of each kind.</summary>
    public IEnumerable<TaskRun> Lasts() => Actions.Select(Last).OfType<TaskRun>();

    /// <summary>The open runs, those that ended since an instant, and the last of each kind.</summary>
    public TaskHistory History(Instant since) =>
        TaskHistory.Of(_rows.Where(run => run.Finished is null || !run.State.IsFinal() || run.Finished >= since).Union(Lasts().SelectMany(AttemptsOf))).Since(since);

    /// <summary>When this was last done, looked for where that is not sure.</summary>
    Instant? LastAt(RunAction action)
    {
        if ((_unsure & (1 << (int)action)) != 0)
        {
            _unsure &= ~(1 << (int)action);
            _last[(int)action] = _rows.Where(run => PastRun.Of(run).At(action) is not null).MaxBy(run => PastRun.Of(run).At(action));
        }
        return _last[(int)action] is { } last ? PastRun.Of(last).At(action) : null;
    }

    void PutLast(RunAction action, Instant? did, TaskRun? old, TaskRun row)
    {
        TaskRun? last = _last[(int)action];
        if (last is not null && ReferenceEquals(last, old))
        {
            _unsure |= did is null || did < PastRun.Of(last).At(action) ? 1 << (int)action : 0;
            _last[(int)action] = row;
        }
        else if (did is not null && !(LastAt(action) > did))
        {
            _last[(int)action] = row;
        }
    }

    /// <summary>Looked for from the end, where most changes are.</summary>
    int PlaceOf(TaskRun row)
    {
        int at = _rows.Count - 1;
        while (!ReferenceEquals(_rows[at], row))
        {
            at--;
        }
        return at;
    }

    IEnumerable<TaskRun> AttemptsOf(TaskRun run) => run.Attempt == 1 ? [run] : _rows.Where(other => other.Id == run.Id && other.Source == run.Source);

    static int Compare(TaskRun a, TaskRun b) => a.At != b.At ? a.At.CompareTo(b.At) : a.Attempt.CompareTo(b.Attempt);
}
