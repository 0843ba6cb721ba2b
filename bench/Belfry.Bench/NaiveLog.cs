using Belfry.Storage.Sqlite;

namespace Belfry.Bench;

/// <summary>The log as one would write it on the first day: text columns, an index for each filter, one upsert for each event, 1,000 of them in a transaction.</summary>
sealed class NaiveLog : IDisposable
{
    /// <summary>A word that stands somewhere.</summary>
    public const string Anywhere = "(name LIKE ?1 OR id LIKE ?1 OR args LIKE ?1 OR kwargs LIKE ?1 OR result LIKE ?1 OR exception LIKE ?1)";

    const string Indexes = """
        CREATE INDEX by_received ON task(received);
        CREATE INDEX by_name ON task(name, received);
        CREATE INDEX by_state ON task(state, received)
        """;

    readonly Database _database;

    public NaiveLog(string file)
    {
        _database = Database.Open(file, create: true);
        _database.Execute("""
            PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE task(id TEXT PRIMARY KEY, name TEXT, state TEXT, worker TEXT, queue TEXT, args TEXT, kwargs TEXT, result TEXT,
              exception TEXT, traceback TEXT, parent TEXT, root TEXT, sent REAL, received REAL, started REAL, ended REAL);
            """ + Indexes);
    }

    /// <summary>
    /// Fills it with ended runs of the thirty days before, at once: event by event ten million would take most of an hour. The ids are in order, so the
    /// rows lie better than events would have laid them.
    /// </summary>
    public void FillAtOnce(int runs, Instant until)
    {
        _database.Execute("DROP INDEX by_received; DROP INDEX by_name; DROP INDEX by_state");
        _database.Prepare("""
            INSERT INTO task SELECT
              printf('%08x-%04x-4%03x-8%03x-%012x', n * (4294967295 / ?1), random() & 65535, random() & 4095, random() & 4095, random() & 281474976710655),
              printf('shop.tasks.job_%03d', abs(random() % 200)), CASE WHEN random() % 50 THEN 'SUCCESS' ELSE 'FAILURE' END, 'w' || (n % 8) || '@lab', 'celery',
              printf('(''customer-%06d'', %d)', n % 1000000, n % 99991), printf('{''region'': ''eu-west-%d'', ''order'': ''%016x'', ''dry_run'': False}', n % 4, random()),
              printf('{''rows'': %d, ''etag'': ''%016x'', ''note'': ''..............................''}', n % 9973, random()), NULL, NULL, NULL, NULL, at, at, at, at
            FROM (WITH RECURSIVE run(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < ?1) SELECT n, ?2 + 2592000.0 * n / ?1 AS at FROM run)
            """).Bind(1, runs).Bind(2, (until - TimeSpan.FromDays(30)).Micros / 1e6).Run();
        _database.Execute(Indexes);
    }

    public void Append(List<TaskEvent> events)
    {
        foreach (TaskEvent[] chunk in events.Chunk(1000))
        {
            _database.Execute("BEGIN");
            foreach (TaskEvent item in chunk)
            {
                Append(item);
            }
            _database.Execute("COMMIT");
        }
    }

    /// <summary>Deletes what is older.</summary>
    public void Delete(Instant until) => _database.Prepare("DELETE FROM task WHERE received < ?").Bind(1, until.Micros / 1e6).Run();

    /// <summary>The newest fifty rows of which a condition holds, read in full.</summary>
    public void Page(string condition, string? parameter = null)
    {
        Statement page = _database.Prepare($"SELECT * FROM task WHERE {condition} ORDER BY received DESC LIMIT 50");
        if (parameter is not null)
        {
            page.Bind(1, parameter);
        }
        while (page.Step())
        {
            for (int column = 0; column < 12; column++)
            {
                _ = page.Text(column);
            }
        }
        page.Reset();
    }

    public void Dispose() => _database.Dispose();

    void Append(TaskEvent item)
    {
        double at = item.At.Micros / 1e6;
        Statement put = item.Kind switch
        {
            EventKind.Submitted => _database.Prepare("""
                INSERT INTO task(id, name, state, queue, args, kwargs, parent, root, sent) VALUES(?1, ?2, 'PENDING', ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT(id) DO UPDATE SET queue = ?3, sent = ?8
                """).Bind(2, item.Task).Bind(3, item.Queue).Bind(4, item.Args).Bind(5, item.Kwargs).Bind(6, item.Parent).Bind(7, item.Root).Bind(8, at),
            EventKind.Received => _database.Prepare("""
                INSERT INTO task(id, name, state, worker, args, kwargs, received) VALUES(?1, ?2, 'RECEIVED', ?3, ?4, ?5, ?6)
                ON CONFLICT(id) DO UPDATE SET name = ?2, state = 'RECEIVED', worker = ?3, args = ?4, kwargs = ?5, received = ?6
                """).Bind(2, item.Task).Bind(3, item.Worker).Bind(4, item.Args).Bind(5, item.Kwargs).Bind(6, at),
            EventKind.Started => _database.Prepare("""
                INSERT INTO task(id, state, worker, started) VALUES(?1, 'STARTED', ?2, ?3)
                ON CONFLICT(id) DO UPDATE SET state = 'STARTED', worker = ?2, started = ?3
                """).Bind(2, item.Worker).Bind(3, at),
            _ => _database.Prepare("""
                INSERT INTO task(id, state, result, exception, traceback, ended) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT(id) DO UPDATE SET state = ?2, result = ?3, exception = ?4, traceback = ?5, ended = ?6
                """).Bind(2, item.Kind == EventKind.Failed ? "FAILURE" : "SUCCESS").Bind(3, item.Result).Bind(4, item.Exception).Bind(5, item.Traceback).Bind(6, at),
        };
        put.Bind(1, item.Id).Run();
    }
}
