using Npgsql;

namespace Belfry.Storage.Postgres.Work;

/// <summary>
/// That this process is alive, and which of the others are dead: each renews a row every second. A process is dead when its row was seen unchanged
/// for so long, by the clock of whoever looks, while the database answered: so neither clocks that differ nor a database that was away kill anybody.
/// </summary>
sealed class Presence(PostgresStore store, TimeProvider clock) : IDisposable
{
    /// <summary>How long a process is silent before it counts as dead.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    static readonly TimeSpan Pace = TimeSpan.FromSeconds(1), CleanPace = TimeSpan.FromSeconds(10);

    // Its row goes when nothing is left in its hands.
    const string Clean = """
        DELETE FROM process AS dead WHERE id = ANY($1) AND NOT EXISTS(SELECT 1 FROM call WHERE owner = dead.id)
          AND NOT EXISTS(SELECT 1 FROM run_open JOIN name ON name.id = run_open.worker WHERE name.text = dead.name)
        """;

    readonly CancellationTokenSource _stopping = new();
    readonly Dictionary<Guid, Seen> _seen = []; // as many as there are rows
    readonly Lock _lock = new();
    IReadOnlyList<(Guid Id, string Name)> _dead = [];
    Thread? _watching; // of its own: an application whose bodies block the pool's threads is not dead
    long _asked, _cleaned;

    /// <summary>This process, among all that ever were.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>Processes that are dead, and not everything they left has been taken up.</summary>
    public IReadOnlyList<(Guid Id, string Name)> Dead => Volatile.Read(ref _dead);

    /// <summary>Makes the process known; what it does under that name from now on is its own.</summary>
    public void Begin(string name)
    {
        lock (_lock)
        {
            if (_watching is null)
            {
                Renew(name);
                _watching = new Thread(() => Watch(name)) { IsBackground = true, Name = "Belfry presence" };
                _watching.Start();
            }
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        if (_watching is not null)
        {
            _watching.Join();
            try
            {
                store.Apart($"DELETE FROM process WHERE id = '{Id}'", command => command.ExecuteNonQuery());
            }
            catch (NpgsqlException)
            {
                // then others find it dead
            }
        }
        _stopping.Dispose();
    }

    void Watch(string name)
    {
        do
        {
            try
            {
                Renew(name);
                Look();
            }
            catch (Exception)
            {
                _seen.Clear(); // whatever it is, the next look may go on; who could not renew his row may be alive
            }
        }
        while (!_stopping.Token.WaitHandle.WaitOne(Pace));
    }

    void Renew(string name) => store.Apart(
        "INSERT INTO process(id, name, until) VALUES($1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) ON CONFLICT(id) DO UPDATE SET until = excluded.until",
        command =>
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Id });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            return command.ExecuteNonQuery();
        });

    void Look()
    {
        if (_asked != 0 && clock.GetElapsedTime(_asked) > Patience / 2)
        {
            _seen.Clear(); // it was we who slept
        }
        _asked = clock.GetTimestamp();
        var dead = new List<(Guid, string)>();
        var rows = new List<(Guid Id, string Name, long Until)>();
        store.Apart("SELECT id, name, until FROM process", command =>
        {
            using NpgsqlDataReader row = command.ExecuteReader();
            while (row.Read())
            {
                rows.Add((row.GetGuid(0), row.GetString(1), row.GetInt64(2)));
            }
            return 0;
        });
        foreach ((Guid id, string name, long until) in rows)
        {
            if (!_seen.TryGetValue(id, out Seen seen) || seen.Until != until)
            {
                _seen[id] = new Seen(until, _asked);
            }
            else if (id != Id && clock.GetElapsedTime(seen.Since) >= Patience)
            {
                dead.Add((id, name));
            }
        }
        Volatile.Write(ref _dead, dead);
        if (dead.Count > 0 && (_cleaned == 0 || clock.GetElapsedTime(_cleaned) > CleanPace))
        {
            _cleaned = _asked;
            store.Apart(Clean, command =>
            {
                command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. dead.Select(process => process.Item1)] });
                return command.ExecuteNonQuery();
            });
        }
    }

    readonly record struct Seen(long Until, long Since);
}
