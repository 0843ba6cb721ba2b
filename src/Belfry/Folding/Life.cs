namespace Belfry;

/// <summary>What is known of one id: its facts, without doubles, in the order in which they count.</summary>
/// <remarks>Not safe for several threads; the log has one writer.</remarks>
public sealed class Life(string source, string id)
{
    /// <summary>Facts about states, in order. A list that a row was given is not changed any more: the next fact makes another.</summary>
    List<TaskEvent> _facts = new(4);
    bool _given;

    /// <summary>Progress and context, in order: at most the latest of each field, so it stays short.</summary>
    List<TaskEvent> _notes = AttemptFold.NoNotes;

    /// <summary>Where the events come from.</summary>
    public string Source { get; } = source;

    /// <summary>The run's id.</summary>
    public string Id { get; } = id;

    /// <summary>Adds what an event says; false when it says nothing new.</summary>
    public bool Add(TaskEvent fact)
    {
        bool isNote = fact.Kind is EventKind.Progress or EventKind.Context;
        List<TaskEvent> list = isNote ? OwnNotes() : OwnFacts();
        for (int i = list.Count - 1; i >= 0; i--)
        {
            if (Facts.Same(list[i], fact))
            {
                return TryMerge(list, i, fact);
            }
        }
        Insert(list, fact);
        return !isNote || DropNotesWithoutEffect(fact);
    }

    /// <summary>The rows, by attempt, with the facts each stands for. Facts that no longer count are forgotten.</summary>
    public IReadOnlyList<FoldedRun> Fold()
    {
        if (_facts.Count > 0 && _notes.Count == 0 && AttemptFold.Usual(this, _facts) is { } run)
        {
            _given = true;
            return [new FoldedRun(run, _facts)];
        }
        return FoldInFull();
    }

    /// <summary>The same, without looking whether the life is a usual one.</summary>
    internal IReadOnlyList<FoldedRun> FoldInFull()
    {
        if (_facts.Count == 0)
        {
            return _notes.Count == 0 ? [] : [new FoldedRun(AttemptFold.OfNotes(this, _notes), [.. _notes])];
        }
        OwnFacts();
        int[] attempts = Attempts.Assign(_facts);
        Forget(ref attempts);
        return AttemptFold.Rows(this, _facts, attempts, _notes);
    }

    List<TaskEvent> OwnNotes() => _notes = ReferenceEquals(_notes, AttemptFold.NoNotes) ? [] : _notes;

    List<TaskEvent> OwnFacts()
    {
        (_facts, _given) = (_given ? [.. _facts] : _facts, false);
        return _facts;
    }

    static bool TryMerge(List<TaskEvent> list, int at, TaskEvent fact)
    {
        TaskEvent merged = Facts.Merge(list[at], fact);
        if (ReferenceEquals(merged, list[at]))
        {
            return false;
        }
        list.RemoveAt(at);
        Insert(list, merged);
        return true;
    }

    static void Insert(List<TaskEvent> list, TaskEvent fact)
    {
        int at = list.Count;
        while (at > 0 && Facts.Compare(list[at - 1], fact) > 0)
        {
            at--;
        }
        list.Insert(at, fact);
    }

    /// <summary>Keeps of the notes only those that still give a row something; false when the new one does not.</summary>
    bool DropNotesWithoutEffect(TaskEvent added)
    {
        bool percent = false, text = false, context = false, extra = false;
        for (int i = _notes.Count - 1; i >= 0; i--)
        {
            TaskEvent note = _notes[i];
            bool last = i == _notes.Count - 1;
            bool gives = last || (note.Percent is not null && !percent) || (note.Text is not null && !text)
                || (note.Context is not null && !context) || (note.Extra is not null && !extra);
            percent |= note.Percent is not null;
            text |= note.Text is not null;
            context |= note.Context is not null;
            extra |= note.Extra is not null;
            if (!gives)
            {
                _notes.RemoveAt(i);
                if (ReferenceEquals(note, added))
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <summary>Drops attempts that are too old to change, and facts beyond the number that counts.</summary>
    void Forget(ref int[] attempts)
    {
        if (_facts.Count <= Belfry.Fold.FactsKept)
        {
            int newest = 0, oldest = int.MaxValue;
            foreach (int attempt in attempts)
            {
                newest = Math.Max(newest, attempt);
                oldest = Math.Min(oldest, attempt);
            }
            if (oldest > newest - Belfry.Fold.AttemptsKept)
            {
                return;
            }
        }
        bool[] counts = Attempts.Counting(_facts, attempts);
        var facts = new List<TaskEvent>(_facts.Count);
        var kept = new List<int>(_facts.Count);
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i])
            {
                facts.Add(_facts[i]);
                kept.Add(attempts[i]);
            }
        }
        _facts.Clear();
        _facts.AddRange(facts);
        attempts = [.. kept];
    }
}
