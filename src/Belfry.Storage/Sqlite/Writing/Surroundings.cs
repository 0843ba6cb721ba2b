using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>What the log knows beside runs: workers, sources, gaps, and what was refused.</summary>
sealed class Surroundings
{
    static readonly string CountRefusal = RefusalTable.Count.Replace('$', '?');

    readonly Database _database;
    readonly NameTable _names;
    readonly Dictionary<(string Source, string Name), Seen> _workers = []; // bounded by WorkerNames.Most; the table has all
    readonly List<Seen> _changed = [];                                     // each once; emptied by Write
    readonly Dictionary<string, Instant> _lastEvents = [];                 // by source; emptied by Write
    (string Source, string Name, Seen Worker) _lastHeard; // events come in rows of one source and worker
    string? _lastSource;

    public Surroundings(Database database, NameTable names)
    {
        (_database, _names) = (database, names);
        using Statement all = database.PrepareOnce("SELECT source, name, online, beat, heard, pid, frequency, active, processed, software FROM worker ORDER BY heard DESC LIMIT ?");
        all.Bind(1, WorkerNames.Most);
        while (all.Step())
        {
            var beat = new WorkerBeat((int?)all.Int64OrNull(5), all.DoubleOrNull(6), all.Int64OrNull(7), all.Int64OrNull(8), all.Text(9));
            (string source, string name) = (names.Text(all.Int64(0))!, names.Text(all.Int64(1))!);
            _workers[(source, name)] =
                new Seen(source, name) { Online = all.Int64(2) != 0, LastBeat = new Instant(all.Int64(3)), LastHeard = new Instant(all.Int64(4)), Beat = beat };
        }
    }

    /// <summary>Notes who sent an event, and when.</summary>
    public void Hear(TaskEvent item, Instant now)
    {
        // What Belfry itself concludes about the runs of a silent worker is no sign of life, of it or of its source.
        if (item.Kind is EventKind.Lost or EventKind.Requeued)
        {
            return;
        }
        if (!ReferenceEquals(item.Source, _lastSource) || _lastEvents.Count == 0)
        {
            _lastEvents[item.Source] = now;
            _lastSource = item.Source;
        }
        if (item.Worker is null || item.ClockOff)
        {
            return;
        }
        Seen worker = WorkerOf(item.Source, item.Worker);
        worker.LastBeat = Instant.Max(worker.LastBeat, item.Shown);
        worker.LastHeard = now;
        worker.Beat = item.Beat is { } beat ? beat.Over(worker.Beat) : worker.Beat;
        worker.Online = item.Kind == EventKind.WorkerOffline ? false : item.Kind.IsAboutWorker() || worker.Online;
        Change(worker);
    }

    /// <summary>Writes what changed; within the transaction.</summary>
    public void Write(SideNotes notes, Instant now)
    {
        foreach (((string source, string name), bool online) in notes.Judged)
        {
            if (_workers.TryGetValue((source, name), out Seen? worker) && worker.Online != online)
            {
                worker.Online = online;
                Change(worker);
            }
        }
        foreach (Seen worker in _changed)
        {
            worker.IsChanged = false;
            Write(worker);
        }
        _changed.Clear();
        WriteSources(notes, now);
        foreach (SourceGap gap in notes.Gaps)
        {
            _database.Prepare("INSERT OR REPLACE INTO gap(source, from_at, to_at, reason) VALUES(?, ?, ?, ?)")
                .Bind(1, Source(gap.Source)).Bind(2, gap.From.Micros).Bind(3, gap.To!.Value.Micros).Bind(4, gap.Reason).Run();
        }
        foreach (((string source, string what), (long times, Instant last)) in notes.Refusals)
        {
            _database.Prepare(CountRefusal).Bind(1, Source(source)).Bind(2, what).Bind(3, times).Bind(4, last.Micros).Run();
        }
    }

    Seen WorkerOf(string source, string name)
    {
        if (ReferenceEquals(source, _lastHeard.Source) && ReferenceEquals(name, _lastHeard.Name))
        {
            return _lastHeard.Worker;
        }
        if (!_workers.TryGetValue((source, name), out Seen? worker))
        {
            WorkerNames.MakeRoom(_workers, known => known.LastHeard);
            _workers.Add((source, name), worker = new Seen(source, name) { Online = true, Beat = new WorkerBeat(null, null, null, null, null) });
        }
        _lastHeard = (source, name, worker);
        return worker;
    }

    void Change(Seen worker)
    {
        if (!worker.IsChanged)
        {
            worker.IsChanged = true;
            _changed.Add(worker);
        }
    }

    void WriteSources(SideNotes notes, Instant now)
    {
        foreach ((string source, ListenNote note) in notes.Listening)
        {
            _database.Prepare("""
                INSERT INTO source(name, kind, misses, heard, listened, last_event, problem) VALUES(?1, ?2, ?3, ?4, ?4, NULL, ?6)
                ON CONFLICT(name) DO UPDATE SET kind = ?2, misses = ?3, problem = ?6, listened = CASE WHEN ?5 THEN ?4 ELSE listened END
                """).Bind(1, Source(source)).Bind(2, note.Kind).Bind(3, note.Misses ? 1 : 0).Bind(4, note.At.Micros)
                .Bind(5, note.IsListening ? 1 : 0).Bind(6, note.Problem).Run();
        }
        foreach ((string source, Instant at) in _lastEvents)
        {
            _database.Prepare("""
                INSERT INTO source(name, kind, misses, heard, listened, last_event) VALUES(?1, 'events', 0, ?2, ?2, ?2)
                ON CONFLICT(name) DO UPDATE SET last_event = ?2
                """).Bind(1, Source(source)).Bind(2, at.Micros).Run();
        }
        _lastEvents.Clear();
    }

    void Write(Seen worker) => _database.Prepare("""
        INSERT OR REPLACE INTO worker(source, name, online, beat, heard, pid, frequency, active, processed, software)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """).Bind(1, Source(worker.Source)).Bind(2, _names.Number(NameKind.Worker, worker.Name)).Bind(3, worker.Online ? 1 : 0)
        .Bind(4, worker.LastBeat.Micros).Bind(5, worker.LastHeard.Micros).Bind(6, worker.Beat.Pid).Bind(7, worker.Beat.Frequency)
        .Bind(8, worker.Beat.Active).Bind(9, worker.Beat.Processed).Bind(10, worker.Beat.Software).Run();

    long Source(string source) => _names.Number(NameKind.Source, source);

    sealed class Seen(string source, string name)
    {
        public string Source { get; } = source;

        public string Name { get; } = name;

        public bool Online { get; set; }

        public Instant LastBeat { get; set; }

        public Instant LastHeard { get; set; }

        public required WorkerBeat Beat { get; set; }

        /// <summary>Since it was written.</summary>
        public bool IsChanged { get; set; }
    }
}
