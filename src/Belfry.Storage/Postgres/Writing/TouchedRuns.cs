using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>
/// What each commit changed, told to the other processes by a row of <c>touched</c>, and what they told. Rows are written while the lock of
/// the figures is held, so their numbers have the order of the commits, and who has read one has missed none before it.
/// </summary>
sealed class TouchedRuns(PostgresStore store, TimeProvider clock)
{
    // Reading more again than these would cost as much as writing them did; who watches a list loads it anew instead.
    const int MostRuns = 250, MostAtOnce = 1000;
    const string Now = "(extract(epoch FROM clock_timestamp()) * 1000000)::int8";

    static readonly TimeSpan Kept = TimeSpan.FromSeconds(60), Clean = TimeSpan.FromSeconds(10);

    readonly Guid _writer = Guid.NewGuid();
    long? _last; // null before the first answer, and after a silence in which rows may have come and gone
    long _asked, _cleaned;

    /// <summary>The statement that tells what a commit changed; within the transaction, and holding the lock of the figures.</summary>
    public NpgsqlBatchCommand ToCommand(IReadOnlyCollection<(RunKey Key, RunChange Change)> changes)
    {
        bool all = changes.Count <= MostRuns && changes.All(change => change.Change.Run is not null);
        T[]? Each<T>(Func<RunKey, RunChange, T> value) => all ? [.. changes.Select(change => value(change.Key, change.Change))] : null;
        return Commands.Of(
            $"INSERT INTO touched(writer, at, runs, sources, attempts) VALUES($1, {Now}, $2, $3, $4)",
            _writer,
            new NpgsqlParameter<Guid[]?> { TypedValue = Each((key, _) => Uuids.Of(key.Bits)) },
            new NpgsqlParameter<int[]?> { TypedValue = Each((key, _) => key.Source) },
            new NpgsqlParameter<int[]?> { TypedValue = Each((_, change) => change.Run!.Attempt) });
    }

    /// <summary>What others changed since this was last asked.</summary>
    public async Task<IReadOnlyList<RunChange>> OthersAsync(CancellationToken cancel)
    {
        bool slept = _asked != 0 && clock.GetElapsedTime(_asked) > Kept - Clean;
        IReadOnlyList<RunChange> changes = await store.ReadAsync(question => _last is { } last && !slept ? SinceAsync(question, last) : BeginAsync(question, slept), cancel);
        _asked = clock.GetTimestamp();
        if (_cleaned == 0 || clock.GetElapsedTime(_cleaned) > Clean)
        {
            _cleaned = _asked;
            store.Apart($"DELETE FROM touched WHERE at < {Now} - {(long)Kept.TotalMicroseconds}", command => command.ExecuteNonQuery());
        }
        return changes;
    }

    async Task<IReadOnlyList<RunChange>> BeginAsync(Question question, bool slept)
    {
        _last = await question.NumberAsync("SELECT max(id) FROM touched");
        return slept ? [Gap] : [];
    }

    async Task<IReadOnlyList<RunChange>> SinceAsync(Question question, long last)
    {
        var wanted = (Ids: new List<Guid>(), Sources: new List<int>(), Attempts: new List<int>());
        bool gap = false;
        await question.EachAsync("SELECT id, runs, sources, attempts FROM touched WHERE id > $1 AND writer <> $2 ORDER BY id", [last, _writer], row =>
        {
            last = row.GetInt64(0);
            gap |= row.IsDBNull(1) || wanted.Ids.Count > MostAtOnce;
            if (!gap)
            {
                wanted.Ids.AddRange(row.GetFieldValue<Guid[]>(1));
                wanted.Sources.AddRange(row.GetFieldValue<int[]>(2));
                wanted.Attempts.AddRange(row.GetFieldValue<int[]>(3));
            }
        });
        _last = last;
        if (gap)
        {
            return [Gap];
        }
        var runs = new List<TaskRun>();
        if (wanted.Ids.Count > 0)
        {
            await RunFinder.FindAsync(question, runs, [.. wanted.Ids], [.. wanted.Sources], [.. wanted.Attempts]);
        }
        return runs.ConvertAll(run => new RunChange(0, run, null, Gap: false));
    }

    static RunChange Gap => new(0, null, null, Gap: true);
}
