using Belfry.Storage.Moving;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Postgres.Schema;
using Belfry.Storage.Postgres.Work;
using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Moving;

/// <summary>A database of PostgreSQL that becomes the copy of a log. Who copies holds a lock, so two copies never run into one database.</summary>
sealed class PostgresTarget : ILogTarget
{
    // As the log's own writer: tables that were never analysed would else get plans that read them whole. What a crash of the server loses is copied again.
    const string Settings = "SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET synchronous_commit = off";

    readonly PostgresStore _store;
    readonly NpgsqlConnection _connection;
    readonly string _source;
    readonly Partitions _partitions;
    readonly RowContext _context;
    readonly RowPayload _payloads = new();
    readonly AddedRuns _added = new();
    CopiedTables? _tables;  // read when all are made
    PayloadPacker? _packer; // made when the dictionaries are there

    PostgresTarget(PostgresStore store, NpgsqlConnection connection, string source)
    {
        (_store, _connection, _source) = (store, connection, source);
        _partitions = new Partitions(store);
        _context = new RowContext(store.Names, new PayloadUnpacker(new Dictionaries(), new DictionaryTable(store)));
    }

    /// <summary>Opens a new database, or one that such a copy was begun in.</summary>
    /// <exception cref="CopyRefusedException">It holds a log, or the copy of another.</exception>
    public static PostgresTarget Open(StoreUrl url, string source)
    {
        PostgresStore store = PostgresStore.OpenForCopying(url);
        NpgsqlConnection? connection = null;
        try
        {
            connection = store.Connect();
            Execute(connection, Settings);
            Claim(connection, url, source);
            store.Names.LearnAll();
            return new PostgresTarget(store, connection, source);
        }
        catch
        {
            Release(connection);
            store.Dispose();
            throw;
        }
    }

    public ITableEngine Tables => new PostgresTables(_store);

    public CopyMark MarkOf(string step)
    {
        using var command = new NpgsqlCommand($"SELECT place, rows, done FROM {CopyMark.Table} WHERE step = $1", _connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = step });
        using NpgsqlDataReader row = command.ExecuteReader();
        return row.Read() ? new CopyMark(step, row.IsDBNull(0) ? null : row.GetString(0), row.GetInt64(1), row.GetInt64(2) != 0) : new CopyMark(step, null, 0, false);
    }

    public ILogReader Read()
    {
        Execute(_connection, "ANALYZE belfry.run_open, belfry.run_kept, belfry.run_done");
        return new PostgresReader(_store, owned: false);
    }

    public void Write(IReadOnlyList<NumberedName> names, CopyMark mark)
    {
        Commit(mark, () =>
        {
            using (NpgsqlBinaryImporter import = _connection.BeginBinaryImport("COPY name(id, kind, key, text) FROM STDIN BINARY"))
            {
                foreach (NumberedName name in names)
                {
                    import.StartRow();
                    import.Write((int)name.Number);
                    import.Write((short)name.Kind);
                    import.Write(name.Key ?? Uuids.Of(RunKey.Of(name.Text, 0).Bits));
                    import.Write(NameTable.Clean(name.Text));
                }
                import.Complete();
            }
            Execute(_connection, $"SELECT setval(pg_get_serial_sequence('belfry.name', 'id'), {names.Select(name => name.Number).DefaultIfEmpty(1).Max()})");
        });
        _store.Names.LearnAll();
    }

    public void Write(PlainTable table, IReadOnlyList<object?[]> rows, CopyMark mark, bool first) => Commit(mark, () =>
    {
        CopiedTables.Column[] columns = (_tables ??= new CopiedTables(_connection)).Of(table) ?? throw HalfCopy.Unlike(table, _store.Url);
        if (first)
        {
            Execute(_connection, $"DELETE FROM {table.Name}");
        }
        using NpgsqlBinaryImporter import = _connection.BeginBinaryImport($"COPY {table.Name}({string.Join(", ", columns.Select(column => column.Name))}) FROM STDIN BINARY");
        foreach (object?[] row in rows)
        {
            import.StartRow();
            for (int i = 0; i < columns.Length; i++)
            {
                if (columns[i].Stored(row[i]) is { } value)
                {
                    import.Write(value, columns[i].Type);
                }
                else
                {
                    import.WriteNull();
                }
            }
        }
        import.Complete();
    });

    public void Write(IReadOnlyList<PlacedRun> runs, CopyMark mark)
    {
        _packer ??= new PayloadPacker(new DictionaryTable(_store));
        _added.Begin();
        var keys = new CopiedKeys();
        var ends = new LastEnds(_store.Names);
        foreach (PlacedRun placed in runs)
        {
            TaskRun run = placed.Row.Run;
            var key = RunKey.Of(run.Id, _store.Names.Number(NameKind.Source, run.Source));
            _added.Add(RunValues.Of(key, placed.Row, _payloads, _packer, _store.Names));
            keys.Add(key, run);
            ends.Change(key, null, run);
        }
        if (_added.Days.Count > 0)
        {
            // As of these runs, not of today: each day of a long log gets its partition.
            _partitions.Ensure(_added.Days, new Instant(runs[^1].Place));
        }
        Commit(mark, () =>
        {
            _added.Send(_connection);
            using var batch = new NpgsqlBatch(_connection);
            foreach (NpgsqlBatchCommand command in keys.ToCommands())
            {
                batch.BatchCommands.Add(command);
            }
            if (batch.BatchCommands.Count > 0)
            {
                batch.ExecuteNonQuery();
            }
            ends.Write(_connection, _context);
            PutCalls(runs.Select(placed => placed.Row.Run));
        });
    }

    /// <summary>Called runs that are open wait here.</summary>
    void PutCalls(IEnumerable<TaskRun> runs)
    {
        (QueuedCall, int)[] calls = [.. runs.Where(run => run is { Source: CallEvents.Source, Submitted: not null, Task: not null } && !run.State.IsFinal()).Select(run => (CallEvents.CallOf(run), run.Attempt))];
        if (calls.Length > 0)
        {
            CallTable.Put(_connection, calls, _store.Names.Number(NameKind.Source, CallEvents.Source));
        }
    }

    public void Seal()
    {
        // Whoever hears late of a deleted run finds its guard, and then that it is deleted.
        Execute(_connection, "INSERT INTO run_key(at, id, source, attempt) SELECT 0, id, source, 1 FROM deleted ON CONFLICT DO NOTHING");
        Execute(_connection, "ANALYZE");
        Execute(_connection, $"DROP TABLE {CopyMark.Table}");
    }

    public void Dispose()
    {
        _packer?.Dispose();
        _context.Dispose();
        Release(_connection);
        _store.Dispose();
    }

    /// <summary>The mark comes first: whatever is in the database then belongs to this copy.</summary>
    static void Claim(NpgsqlConnection connection, StoreUrl url, string source)
    {
        if (Scalar(connection, $"SELECT pg_try_advisory_lock({PostgresStore.LockSpace}, {PostgresStore.CopyLock})") is not true)
        {
            throw new CopyRefusedException($"another process copies into {url} at this moment.");
        }
        if (Migrations.CopyOf(connection) is { } begun)
        {
            if (begun != source)
            {
                throw HalfCopy.OfAnother(url, begun);
            }
            return;
        }
        if (Scalar(connection, "SELECT EXISTS(SELECT 1 FROM name) OR EXISTS(SELECT 1 FROM run_open) OR EXISTS(SELECT 1 FROM run_kept) OR EXISTS(SELECT 1 FROM run_done)") is true)
        {
            throw HalfCopy.Taken(url);
        }
        Execute(connection, $"BEGIN; {HalfCopy.Create}; INSERT INTO {CopyMark.Table} VALUES('{source.Replace("'", "''")}', '{HalfCopy.Begun}', NULL, 0, 1); COMMIT");
    }

    /// <summary>The lock would go with the connection, but not before the server notices.</summary>
    static void Release(NpgsqlConnection? connection)
    {
        try
        {
            if (connection is not null)
            {
                Execute(connection, "SELECT pg_advisory_unlock_all()");
            }
        }
        catch (Exception broken) when (broken is NpgsqlException or InvalidOperationException)
        {
            // then the lock is gone with it
        }
        connection?.Dispose();
    }

    void Commit(CopyMark mark, Action write)
    {
        using NpgsqlTransaction transaction = _connection.BeginTransaction();
        write();
        using var put = new NpgsqlCommand(
            $"INSERT INTO {CopyMark.Table}(source, step, place, rows, done) VALUES($1, $2, $3, $4, $5) ON CONFLICT(step) DO UPDATE SET place = $3, rows = $4, done = $5", _connection);
        foreach (object? value in (object?[])[_source, mark.Step, mark.Place, mark.Rows, mark.Done ? 1L : 0L])
        {
            put.Parameters.Add(value is null ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text } : new NpgsqlParameter { Value = value });
        }
        put.ExecuteNonQuery();
        transaction.Commit();
    }

    /// <summary>A large log takes its time.</summary>
    static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.ExecuteNonQuery();
    }

    static object? Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }
}
