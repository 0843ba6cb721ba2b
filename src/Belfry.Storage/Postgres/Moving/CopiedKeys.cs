using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Moving;

/// <summary>The keys of copied runs: for each id that of its attempt 1, whatever became of it, and one for each further attempt that succeeded.</summary>
sealed class CopiedKeys
{
    readonly Dictionary<(Guid Id, int Source, int Attempt), long> _exact = [], _guards = [];

    public void Add(RunKey key, TaskRun run)
    {
        Guid id = Uuids.Of(key.Bits);
        if (run.State == RunState.Completed)
        {
            _exact[(id, key.Source, run.Attempt)] = run.At.Micros;
        }
        if (run.State != RunState.Completed || run.Attempt > 1)
        {
            _guards.TryAdd((id, key.Source, 1), run.At.Micros);
        }
    }

    /// <summary>The statements. Attempts of an id may come in any order, in one batch or in several.</summary>
    public IEnumerable<NpgsqlBatchCommand> ToCommands()
    {
        if (_exact.Count > 0)
        {
            yield return Insert(_exact, "UPDATE SET at = excluded.at");
        }
        if (_guards.Count > 0)
        {
            yield return Insert(_guards, "NOTHING");
        }
    }

    static NpgsqlBatchCommand Insert(Dictionary<(Guid Id, int Source, int Attempt), long> keys, string otherwise) => Commands.Of(
        $"INSERT INTO run_key(id, source, attempt, at) SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT(id, source, attempt) DO {otherwise}",
        keys.Keys.Select(key => key.Id).ToArray(), keys.Keys.Select(key => key.Source).ToArray(), keys.Keys.Select(key => key.Attempt).ToArray(), keys.Values.ToArray());
}
