namespace Belfry;

/// <summary>Builds the row of an attempt from its facts.</summary>
static class AttemptFold
{
    /// <summary>Those of nearly all lives; never changed.</summary>
    public static readonly List<TaskEvent> NoNotes = [];

    /// <summary>The rows of a life, by attempt.</summary>
    /// <param name="life">Whose.</param>
    /// <param name="facts">Facts about states, in order.</param>
    /// <param name="attempts">The attempt of each.</param>
    /// <param name="notes">Progress and context, in order.</param>
    public static List<FoldedRun> Rows(Life life, List<TaskEvent> facts, int[] attempts, List<TaskEvent> notes)
    {
        var rows = new List<FoldedRun>(1);
        int newest = attempts.Max();
        for (int attempt = NextAttempt(attempts, 0); attempt > 0; attempt = NextAttempt(attempts, attempt))
        {
            var own = new List<TaskEvent>(facts.Count);
            Instant? later = null;
            for (int i = 0; i < attempts.Length; i++)
            {
                if (attempts[i] == attempt)
                {
                    own.Add(facts[i]);
                }
                else if (attempts[i] > attempt && (later is null || facts[i].Shown < later))
                {
                    later = facts[i].Shown;
                }
            }
            TaskRun? below = rows.Count > 0 ? rows[^1].Run : null;
            bool isNewest = attempt == newest;
            List<TaskEvent> standing = GivingWay.Standing(own);
            Told told = new Deliveries(standing).Told();
            TaskRun run = Row(life, attempt, standing, told, later, below, notes, isNewest);
            run = standing.Exists(fact => fact.Reconciled) ? WithMarks(run, standing, told) : run;
            if (isNewest && notes.Count > 0)
            {
                own.AddRange(notes);
            }
            rows.Add(new FoldedRun(run, own));
        }
        return rows;
    }

    /// <summary>The only row of a life in which nothing is unusual; null for any other life.</summary>
    /// <remarks>
    /// Nearly all lives are such: one attempt, the first, delivered once, told in the order of its states. What attempts and deliveries there
    /// are, of which the others need much to tell, is known at once. A property test holds both ways to the same rows.
    /// </remarks>
    /// <param name="life">Whose.</param>
    /// <param name="facts">Facts about states, in order; at least one.</param>
    public static TaskRun? Usual(Life life, List<TaskEvent> facts)
    {
        TaskEvent? last = null, received = null, started = null, outcome = null;
        foreach (TaskEvent fact in facts)
        {
            bool inOrder = last is null || (last.Kind < fact.Kind && outcome is null);
            bool sameWorker = last is null || last.Kind == EventKind.Submitted || string.Equals(fact.Worker, last.Worker, StringComparison.Ordinal);
            bool usualKind = fact.Kind <= EventKind.Started || fact.Kind.IsOutcome();
            if (!inOrder || !sameWorker || !usualKind || fact.Reconciled || fact.Attempt is not (null or 1))
            {
                return null;
            }
            last = fact;
            received = fact.Kind == EventKind.Received ? fact : received;
            started = fact.Kind == EventKind.Started ? fact : started;
            outcome = fact.Kind.IsOutcome() ? fact : outcome;
        }
        var told = new Told(received, started, started, outcome, Lost: null, GivenBack: null, Redeliveries: 0);
        return Row(life, attempt: 1, facts, told, later: null, below: null, NoNotes, isNewest: true);
    }

    /// <summary>A run of which nothing but progress or context was seen: it waits, as far as anybody knows.</summary>
    public static TaskRun OfNotes(Life life, List<TaskEvent> notes) => WithNotes(
        new TaskRun
        {
            Source = life.Source, Id = life.Id, Attempt = 1, State = RunState.Pending,
            At = notes[0].Shown, First = notes[0].Shown, Updated = notes[^1].Shown,
            Task = notes.FindLast(note => note.Task is not null)?.Task,
            Worker = notes[^1].Worker,
            ClockOff = notes.Exists(note => note.ClockOff),
        },
        notes,
        isNewest: true);

    static int NextAttempt(int[] attempts, int after)
    {
        int next = 0;
        foreach (int attempt in attempts)
        {
            next = attempt > after && (next == 0 || attempt < next) ? attempt : next;
        }
        return next;
    }

    static TaskRun Row(
        Life life, int attempt, List<TaskEvent> own, in Told told, Instant? later, TaskRun? below, List<TaskEvent> notes, bool isNewest)
    {
        RunState state = StateOf(told, own, notes);
        bool inferred = later is not null && told.Outcome is null && state != RunState.Lost;
        state = inferred ? RunState.Retried : state;
        Instant? finished = inferred ? later : state == RunState.Lost ? told.Lost!.Shown : told.Outcome?.Shown;
        Instant? started = told.FirstStart?.Shown;
        var field = new Fields(own, told.Received);
        TaskEvent? outcome = told.Outcome;
        var run = new TaskRun
        {
            Source = life.Source,
            Id = life.Id,
            Attempt = attempt,
            State = state,
            Redeliveries = told.Redeliveries,
            At = started ?? own[0].Shown,
            First = own[0].Shown,
            Task = field.By(fact => fact.Task) ?? below?.Task,
            Worker = outcome is not null ? outcome.Worker : (told.LastStart ?? told.Received)?.Worker,
            Queue = field.By(fact => fact.Queue) ?? below?.Queue,
            App = field.By(fact => fact.App) ?? below?.App,
            Submitted = own[0].Kind == EventKind.Submitted ? own[0].Shown : own.Find(fact => fact.Kind == EventKind.Submitted)?.Shown,
            Received = told.Received?.Shown,
            Started = started,
            Finished = finished,
            Updated = own[^1].Shown,
            Args = field.By(fact => fact.Args) ?? below?.Args,
            Kwargs = field.By(fact => fact.Kwargs) ?? below?.Kwargs,
            Result = outcome?.Result,
            Exception = outcome?.Exception,
            Traceback = outcome?.Traceback,
            Reason = state == RunState.Lost ? told.Lost!.Reason : (outcome ?? told.GivenBack)?.Reason,
            Runtime = inferred || state == RunState.Lost ? null : RuntimeOf(outcome, started),
            Eta = field.InstantBy(fact => fact.Eta),
            Expires = field.InstantBy(fact => fact.Expires),
            Priority = field.NumberBy(fact => fact.Priority),
            Parent = field.By(fact => fact.Parent) ?? below?.Parent,
            Root = field.By(fact => fact.Root) ?? below?.Root,
            Context = own.FindLast(fact => fact.Context is not null)?.Context,
            Extra = own.FindLast(fact => fact.Extra is not null)?.Extra,
            ClockOff = own.Exists(fact => fact.ClockOff),
        };
        return notes.Count == 0 ? run : WithNotes(run, notes, isNewest);
    }

    /// <summary>Says what of it was reconciled.</summary>
    static TaskRun WithMarks(TaskRun run, List<TaskEvent> own, in Told told)
    {
        RunParts parts = RunParts.None;
        Instant? until = null;
        void Mark(TaskEvent? fact, RunParts part)
        {
            if (fact is { Reconciled: true })
            {
                parts |= part;
                until = fact.Until is { } latest && (until is null || latest > until) ? latest : until;
            }
        }
        Mark(own.Find(fact => fact.Kind == EventKind.Submitted), RunParts.Submitted);
        Mark(told.Received, RunParts.Received);
        Mark(told.FirstStart, RunParts.Started);
        Mark(told.Outcome, RunParts.Finished);
        Mark(run.State == RunState.Lost ? told.Lost : told.GivenBack, RunParts.State);
        return run with { Reconciled = parts, Until = until };
    }

    static RunState StateOf(in Told told, List<TaskEvent> own, List<TaskEvent> notes)
    {
        if (told.Outcome is { } outcome)
        {
            return outcome.Kind.StateAfter();
        }
        if (told.Lost is { } lost && !IsBeaten(lost, own, notes))
        {
            return RunState.Lost;
        }
        return told.GivenBack is not null ? RunState.Pending
            : told.FirstStart is not null ? RunState.Running
            : told.Received is not null ? RunState.Queued
            : RunState.Pending;
    }

    /// <summary>Any later sign of life beats the inference; a submission is none, and comes from another clock.</summary>
    static bool IsBeaten(TaskEvent lost, List<TaskEvent> own, List<TaskEvent> notes) =>
        own.Exists(fact => fact.Kind is not (EventKind.Lost or EventKind.Submitted) && Facts.Compare(fact, lost) > 0)
        || notes.Exists(note => note.Kind == EventKind.Progress && note.Shown > lost.Shown);

    static double? RuntimeOf(TaskEvent? outcome, Instant? started) =>
        outcome is null ? null
        : outcome.Runtime is { } measured ? Math.Max(0, measured)
        : started is { } start ? Math.Max(0, (outcome.Shown - start).TotalSeconds)
        : null;

    /// <summary>Of percent, text and context the latest of the id stands; progress is shown on the newest attempt.</summary>
    static TaskRun WithNotes(TaskRun run, List<TaskEvent> notes, bool isNewest)
    {
        RunContext? context = notes.FindLast(note => note.Context is not null)?.Context ?? run.Context;
        return !isNewest ? run with { Context = context } : run with
        {
            Context = context,
            Percent = notes.FindLast(note => note.Percent is not null)?.Percent,
            Text = notes.FindLast(note => note.Text is not null)?.Text,
            Extra = notes.FindLast(note => note.Extra is not null)?.Extra ?? run.Extra,
            Updated = Instant.Max(run.Updated, notes[^1].Shown),
            ClockOff = run.ClockOff || notes.Exists(note => note.ClockOff),
        };
    }

    /// <summary>Looks a field up where it is told best: at the receipt, else at the latest submission, else at any fact.</summary>
    readonly struct Fields(List<TaskEvent> own, TaskEvent? received)
    {
        public string? By(Func<TaskEvent, string?> field)
        {
            string? value = received is null ? null : field(received);
            for (int i = own.Count - 1; value is null && i >= 0; i--)
            {
                value = own[i].Kind == EventKind.Submitted ? field(own[i]) : null;
            }
            for (int i = own.Count - 1; value is null && i >= 0; i--)
            {
                value = field(own[i]);
            }
            return value;
        }

        public Instant? InstantBy(Func<TaskEvent, Instant?> field)
        {
            Instant? value = received is null ? null : field(received);
            for (int i = own.Count - 1; value is null && i >= 0; i--)
            {
                value = field(own[i]);
            }
            return value;
        }

        public int? NumberBy(Func<TaskEvent, int?> field)
        {
            int? value = null;
            for (int i = own.Count - 1; value is null && i >= 0; i--)
            {
                value = field(own[i]);
            }
            return value;
        }
    }
}
