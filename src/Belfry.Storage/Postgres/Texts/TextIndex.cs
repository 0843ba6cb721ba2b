using System.Globalization;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Search;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Texts;

/// <summary>
/// Keeps the index of texts, or takes it away, on a connection of its own. Triggers note every run that comes, whoever writes the store; what they noted is
/// put in piece by piece, each in a transaction under a lock, so that of several servers one works at a time and a kill costs nothing.
/// </summary>
sealed class TextIndex(PostgresStore store, TimeProvider clock, bool wanted) : ITextIndex, IDisposable
{
    const int Piece = 1000;
    const long RunsPerAnalysis = 50_000;
    static readonly TimeSpan Look = TimeSpan.FromMinutes(10);

    readonly RowContext _context = new(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    bool _begun;
    long _looked, _sinceAnalysis;

    public Task<TextWork> WorkAsync(CancellationToken cancel) => Task.Run(Work, cancel);

    public void Dispose() => _context.Dispose();

    TextWork Work()
    {
        try
        {
            using NpgsqlConnection connection = store.Connect();
            Begin(connection);
            using NpgsqlTransaction transaction = connection.BeginTransaction();
            // A reader of a week that is dropped need not wait behind us, nor we behind it.
            if (Ask(connection, $"SET LOCAL lock_timeout = '2s'; SELECT pg_try_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.TextLock})") is not true)
            {
                return TextWork.Rest;
            }
            List<TextWeek> weeks = TextWeeks.All(connection);
            bool more = wanted ? Drop(connection, weeks) | AddDue(connection, weeks) | AddNext(connection, weeks) : TakeAway(connection, weeks);
            transaction.Commit();
            return more ? TextWork.More : wanted ? TextWork.Rest : TextWork.Over;
        }
        catch (NpgsqlException refused)
        {
            throw new StoreException($"{store.Url} cannot be written: {PostgresStore.ProblemOf(refused)}", refused);
        }
    }

    /// <summary>Makes or removes the triggers: whoever writes at the moment is waited for, so that no run comes unnoted.</summary>
    void Begin(NpgsqlConnection connection)
    {
        if (_begun)
        {
            return;
        }
        if (wanted)
        {
            MakeExtension(connection);
        }
        using NpgsqlTransaction transaction = connection.BeginTransaction();
        Ask(connection, $"SELECT pg_advisory_xact_lock({PostgresStore.LockSpace}, {PostgresStore.TextLock})");
        bool there = Ask(connection, "SELECT EXISTS(SELECT 1 FROM pg_trigger WHERE tgname = 'text_came' AND tgrelid = 'belfry.run_done'::regclass)") is true;
        foreach (string table in there == wanted ? [] : (string[])["run_kept", "run_done"])
        {
            Run(connection, wanted
                ? $"CREATE TRIGGER text_came AFTER INSERT ON {table} REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION belfry.text_came()"
                : $"DROP TRIGGER text_came ON {table}");
        }
        if (!wanted)
        {
            Run(connection, $"UPDATE text_week SET filled = {TextWeek.Dropping}; DELETE FROM text_due");
        }
        transaction.Commit();
        _begun = true;
    }

    static void MakeExtension(NpgsqlConnection connection)
    {
        try
        {
            Run(connection, "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public");
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFile or PostgresErrorCodes.FeatureNotSupported)
        {
            // Anything else, another server that makes it at this moment, say, is over soon.
            throw new NotSupportedException($"the extension pg_trgm cannot be made: {refused.MessageText}. It comes with PostgreSQL's contrib package; whoever owns the database makes it by 'CREATE EXTENSION pg_trgm'", refused);
        }
    }

    static bool TakeAway(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        if (weeks.Count > 0)
        {
            Drop(connection, weeks[^1]);
        }
        return weeks.Count > 0;
    }

    /// <summary>Drops a week that is to go, or one most of whose runs are gone, which is looked for now and then: what is left of it is put in again.</summary>
    bool Drop(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        TextWeek? next = weeks.Find(week => week.IsDropping) ?? MostlyGone(connection, weeks);
        if (next is not null)
        {
            Drop(connection, next);
            weeks.Remove(next);
        }
        return next is not null;
    }

    TextWeek? MostlyGone(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        if (_looked != 0 && clock.GetElapsedTime(_looked) < Look)
        {
            return null;
        }
        TextWeek? gone = weeks.Skip(1).FirstOrDefault(week => week.IsWhole && (long)Ask(connection, string.Create(CultureInfo.InvariantCulture, $"""
            SELECT count(*) FROM (
              (SELECT 1 FROM run_done WHERE at >= {week.Begin} AND at < {week.End} LIMIT {(week.Runs / 4) + 1})
              UNION ALL (SELECT 1 FROM run_kept WHERE at >= {week.Begin} AND at < {week.End} LIMIT {(week.Runs / 4) + 1})) AS left_over
            """))! <= week.Runs / 4);
        _looked = gone is null ? clock.GetTimestamp() : 0;
        return gone;
    }

    static void Drop(NpgsqlConnection connection, TextWeek week) => Run(connection, string.Create(CultureInfo.InvariantCulture, $"DROP TABLE IF EXISTS {week.Table}; DELETE FROM text_week WHERE week = {week.Week}"));

    bool AddDue(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        var due = new List<(long Id, long At)>();
        Each(connection, "SELECT id, at FROM text_due ORDER BY id DESC LIMIT $1", row => due.Add((row.GetInt64(0), row.GetInt64(1))), Piece);
        if (due.Count == 0)
        {
            return false;
        }
        // What is not reached yet only waits until it is.
        long[] reached = [.. due.Select(one => one.At).Where(at => weeks.Exists(week => week.Week == TextWeek.Of(at) && at < week.Filled)).Distinct()];
        List<TaskRun> runs = Runs(connection, "at = ANY($1)", "", reached);
        foreach (IGrouping<long, TaskRun> some in runs.GroupBy(run => TextWeek.Of(run.At.Micros)))
        {
            Put(connection, weeks.Find(week => week.Week == some.Key)!, [.. some]);
        }
        Run(connection, "DELETE FROM text_due WHERE id = ANY($1)", due.Select(one => one.Id).ToArray());
        return true;
    }

    /// <summary>Puts in the next runs of the newest week that is not whole.</summary>
    bool AddNext(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        if (NotWhole(connection, weeks) is not { } week)
        {
            return false;
        }
        if (!weeks.Exists(known => known.Week == week.Week))
        {
            week = week with { Table = TextWeeks.TableOf(week.Week, (long)Ask(connection, $"INSERT INTO text_week(week, filled, runs) VALUES({week.Week}, {week.Begin}, 0) RETURNING part")!) };
            string schema = (string)Ask(connection, "SELECT nspname::text FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'")!;
            Run(connection, $"""
                CREATE TABLE {week.Table}(at int8 NOT NULL, text text NOT NULL);
                CREATE INDEX ON {week.Table} USING gin(text "{schema}".gin_trgm_ops);
                CREATE INDEX ON {week.Table}(at)
                """);
        }
        List<TaskRun> runs = Runs(connection, "at >= $1 AND at < $2", $"ORDER BY at LIMIT {Piece}", week.Filled, week.End);
        // Several tables, a piece of each: only as far as the shorter one came, everything is known. Runs of one instant may be put in twice.
        List<TaskRun> next = [.. runs.OrderBy(run => run.At).Take(Piece)];
        long until = next.Count < Piece ? week.End : next[^1].At.Micros;
        until = until == week.Filled ? EndOfInstant(connection, ref next, until) : until;
        Put(connection, week, next);
        Run(connection, "UPDATE text_week SET filled = $1 WHERE week = $2", until, week.Week);
        return true;
    }

    /// <summary>More runs than a piece has are of one instant: all of them are put in.</summary>
    long EndOfInstant(NpgsqlConnection connection, ref List<TaskRun> next, long at)
    {
        next = Runs(connection, "at = $1", "", at);
        return at + 1;
    }

    static TextWeek? NotWhole(NpgsqlConnection connection, List<TextWeek> weeks)
    {
        for (long before = long.MaxValue; ;)
        {
            object newest = Ask(connection, $"SELECT greatest((SELECT max(at) FROM run_done WHERE at < {before}), (SELECT max(at) FROM run_kept WHERE at < {before}))")!;
            if (newest is not long at)
            {
                return null;
            }
            TextWeek week = weeks.Find(known => known.Week == TextWeek.Of(at)) ?? TextWeek.New(TextWeek.Of(at));
            if (!week.IsWhole && !week.IsDropping)
            {
                return week;
            }
            before = week.Begin;
        }
    }

    void Put(NpgsqlConnection connection, TextWeek week, List<TaskRun> runs)
    {
        if (runs.Count == 0)
        {
            return;
        }
        Run(connection, $"INSERT INTO {week.Table}(at, text) SELECT * FROM unnest($1, $2)", runs.Select(run => run.At.Micros).ToArray(), runs.Select(TextOf).ToArray());
        Run(connection, "UPDATE text_week SET runs = runs + $1 WHERE week = $2", (long)runs.Count, week.Week);
        _sinceAnalysis += runs.Count;
        if (_sinceAnalysis > RunsPerAnalysis)
        {
            _sinceAnalysis = 0;
            Run(connection, $"ANALYZE {week.Table}"); // else the planner does not know what is rare
        }
    }

    List<TaskRun> Runs(NpgsqlConnection connection, string which, string order, params object[] parameters)
    {
        var runs = new List<TaskRun>();
        string sql = string.Join(" UNION ALL ", ((string[])["run_done", "run_kept"]).Select(table => $"(SELECT {RunColumns.All} FROM {table} WHERE {which} {order})"));
        Each(connection, sql, row => runs.Add(RunColumns.Read(row, _context)), parameters);
        return runs;
    }

    static string TextOf(TaskRun run) => TextFold.Of(string.Join(TextFold.Between, new[] { run.Task, run.Id, run.Args, run.Kwargs, run.Result, run.Exception, run.Reason }.OfType<string>()));

    static void Each(NpgsqlConnection connection, string sql, Action<NpgsqlDataReader> take, params object[] parameters)
    {
        using var batch = new NpgsqlBatch(connection) { BatchCommands = { Commands.Of(sql, parameters) } };
        using NpgsqlDataReader row = batch.ExecuteReader();
        while (row.Read())
        {
            take(row);
        }
    }

    static void Run(NpgsqlConnection connection, string sql, params object[] parameters)
    {
        if (parameters.Length == 0)
        {
            using var script = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            script.ExecuteNonQuery();
            return;
        }
        using var batch = new NpgsqlBatch(connection) { BatchCommands = { Commands.Of(sql, parameters) } };
        batch.ExecuteNonQuery();
    }

    static object? Ask(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }
}
