using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>What a group changes in the table of last ends: of each task and kind of end the run that ended last.</summary>
sealed class LastEnds(NameTable names)
{
    readonly Dictionary<(int Name, int Source, int Kind), End> _added = [];
    readonly List<((int Name, int Source, int Kind) Key, End End)> _removed = [];

    /// <summary>A row that changed, is new (before is null) or went away (after is null).</summary>
    public void Change(RunKey key, TaskRun? before, TaskRun? after)
    {
        bool staysLast = before is { Finished: { } was } && after is { Finished: { } now } && now.Micros >= was.Micros
            && KeyOf(key, before) is { } kept && kept == KeyOf(key, after);
        if (before is not null && !staysLast && KeyOf(key, before) is { } old)
        {
            _removed.Add((old, End.Of(key, before)));
        }
        if (after is not null && KeyOf(key, after) is { } place && (!_added.TryGetValue(place, out End last) || after.Finished!.Value.Micros >= last.Ended))
        {
            _added[place] = End.Of(key, after);
        }
    }

    /// <summary>Writes; within the transaction, after the rows, and holding the lock of the figures. A task whose last run went away is searched for the one before.</summary>
    public void Write(NpgsqlConnection connection, IRowContext context)
    {
        foreach ((int Name, int Source, int Kind) key in Remove(connection))
        {
            if (Search(connection, key, context) is { } found && (!_added.TryGetValue(key, out End last) || found.Ended > last.Ended))
            {
                _added[key] = found;
            }
        }
        if (_added.Count == 0)
        {
            return;
        }
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    """
                    INSERT INTO last_end(name, source, kind, ended, at, id, attempt) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
                    ON CONFLICT(name, source, kind) DO UPDATE SET ended = excluded.ended, at = excluded.at, id = excluded.id, attempt = excluded.attempt
                    WHERE excluded.ended >= last_end.ended
                    """,
                    _added.Keys.Select(key => key.Name).ToArray(), _added.Keys.Select(key => key.Source).ToArray(), _added.Keys.Select(key => (short)key.Kind).ToArray(),
                    _added.Values.Select(end => end.Ended).ToArray(), _added.Values.Select(end => end.At).ToArray(),
                    _added.Values.Select(end => end.Id).ToArray(), _added.Values.Select(end => end.Attempt).ToArray()),
            },
        };
        batch.ExecuteNonQuery();
    }

    (int, int, int)? KeyOf(RunKey key, TaskRun run) =>
        run is { Task: { } task, Finished: not null } && run.State.IsFinal() ? (names.Number(NameKind.Task, task), key.Source, EndKind.Of(run)) : null;

    /// <summary>Takes away those of the removed that were the last of their task, and tells of which.</summary>
    List<(int Name, int Source, int Kind)> Remove(NpgsqlConnection connection)
    {
        var emptied = new List<(int, int, int)>();
        if (_removed.Count == 0)
        {
            return emptied;
        }
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Commands.Of(
                    """
                    DELETE FROM last_end USING unnest($1, $2, $3, $4, $5) AS gone(gone_name, gone_source, gone_kind, gone_id, gone_attempt)
                    WHERE name = gone_name AND source = gone_source AND kind = gone_kind AND id = gone_id AND attempt = gone_attempt
                    RETURNING name, source, kind
                    """,
                    _removed.Select(end => end.Key.Name).ToArray(), _removed.Select(end => end.Key.Source).ToArray(), _removed.Select(end => (short)end.Key.Kind).ToArray(),
                    _removed.Select(end => end.End.Id).ToArray(), _removed.Select(end => end.End.Attempt).ToArray()),
            },
        };
        using NpgsqlDataReader row = batch.ExecuteReader();
        while (row.Read())
        {
            emptied.Add((row.GetInt32(0), row.GetInt32(1), row.GetInt16(2)));
        }
        return emptied;
    }

    static End? Search(NpgsqlConnection connection, (int Name, int Source, int Kind) key, IRowContext context)
    {
        RunState state = EndKind.StateOf(key.Kind);
        string first = state == RunState.Cancelled ? "" : " LIMIT 1"; // of cancelled runs only the payload tells whether they were timed out
        using var command = new NpgsqlCommand(
            $"SELECT {RunColumns.All} FROM {(state == RunState.Completed ? "run_done" : "run_kept")} WHERE name = $1 AND source = $2 AND state = $3 AND finished IS NOT NULL ORDER BY finished DESC{first}",
            connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Name });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Source });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)state });
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            TaskRun run = RunColumns.Read(row, context);
            if (EndKind.Of(run) == key.Kind)
            {
                return new End(run.Finished!.Value.Micros, run.At.Micros, row.GetGuid(RunColumns.Id), run.Attempt);
            }
        }
        return null;
    }

    readonly record struct End(long Ended, long At, Guid Id, int Attempt)
    {
        public static End Of(RunKey key, TaskRun run) => new(run.Finished!.Value.Micros, run.At.Micros, Uuids.Of(key.Bits), run.Attempt);
    }
}
