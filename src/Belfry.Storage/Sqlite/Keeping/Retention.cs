using System.Runtime.CompilerServices;
using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Reading;
using Belfry.Storage.Sqlite.Writing;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>
/// One round of retention. What may go is found on a reader's connection and deleted by the log's writing thread, in pieces between
/// its groups; the file does not shrink, its free pages are used again.
/// </summary>
sealed class Retention(Store store, GroupWriter groups, RetentionPolicy policy, Instant now)
{
    /// <summary>Runs, or keys, in one piece: about 4 ms, on a slow disk some tens, of the 100 that may hold up the log.</summary>
    public const int Piece = 1000;

    readonly RowContexts _contexts = new();
    long _oldest = long.MaxValue, _newest = long.MinValue; // of what was deleted

    public async Task<RetentionResult> RunAsync(Chores writing, CancellationToken cancel)
    {
        try
        {
            long runs = policy.KeepsAll ? 0 : await DeleteRunsAsync(writing, cancel);
            long keys = runs == 0 ? 0 : await SweepKeysAsync(writing, cancel);
            await DeleteAllAsync(
                () => groups.Run("DELETE FROM deleted WHERE (uid, source) IN (SELECT uid, source FROM deleted WHERE until < ? LIMIT 1000)", now.Micros), writing, cancel);
            (long minutes, long hours) = await ForgetFiguresAsync(writing, cancel);
            return new RetentionResult(runs, keys, minutes, hours);
        }
        catch (SqliteException refused)
        {
            throw new StoreException($"{store.Url} cannot be cleared: {refused.Problem}", refused);
        }
    }

    /// <summary>Deletes runs because somebody wants it: the figures go down by them.</summary>
    public async IAsyncEnumerable<IReadOnlyList<TaskRun>> DeleteAsync(IReadOnlyList<TaskRun> runs, Chores writing, [EnumeratorCancellation] CancellationToken cancel)
    {
        const int piece = 200; // some 20 ms with their figures
        foreach (TaskRun[] some in runs.Chunk(piece))
        {
            yield return await PurgeAsync(some, writing, cancel);
        }
    }

    async Task<IReadOnlyList<TaskRun>> PurgeAsync(TaskRun[] runs, Chores writing, CancellationToken cancel)
    {
        try
        {
            return await WriteAsync(() => groups.Purge(runs, policy, now), writing, cancel);
        }
        catch (SqliteException refused)
        {
            throw new StoreException($"{store.Url} cannot be cleared: {refused.Problem}", refused);
        }
    }

    async Task<long> DeleteRunsAsync(Chores writing, CancellationToken cancel)
    {
        long deleted = 0;
        ExpiredRuns walk = await store.ReadAsync(database => new ExpiredRuns(database, policy, now), cancel);
        while (true)
        {
            List<ExpiredRun> found = await store.ReadAsync(database => walk.Next(database, Piece, _contexts.For(database)).Runs, cancel);
            if (found.Count == 0)
            {
                return deleted;
            }
            deleted += await WriteAsync(() => groups.Delete(found, now), writing, cancel);
            _oldest = Math.Min(_oldest, found.Min(run => run.Place));
            _newest = Math.Max(_newest, found.Max(run => run.Place));
        }
    }

    /// <summary>Keys of deleted runs go, segment by segment, where the deleted were.</summary>
    async Task<long> SweepKeysAsync(Chores writing, CancellationToken cancel)
    {
        long deleted = 0;
        foreach (long segment in await store.ReadAsync(database => KeySweep.Segments(database, _oldest, _newest), cancel))
        {
            List<(long Key, long At)> orphans = await store.ReadAsync(database => KeySweep.Orphans(database, segment), cancel);
            foreach ((long, long)[] piece in orphans.Chunk(Piece))
            {
                deleted += await WriteAsync(() => groups.DeleteKeys(segment, piece), writing, cancel);
            }
        }
        return deleted;
    }

    /// <summary>Figures by the minute and by the hour go when they are old; what they tell is part of hours and days by then.</summary>
    async Task<(long Minutes, long Hours)> ForgetFiguresAsync(Chores writing, CancellationToken cancel)
    {
        long minutes = RollupKeys.FirstOf(RollupKeys.MinuteOf(now - RetentionPolicy.MinutesKept)), hours = RollupKeys.FirstOf(RollupKeys.HourOf(now - RetentionPolicy.HoursKept));
        while (!await WriteAsync(() => groups.AddUpFigures(minutes), writing, cancel))
        {
        }
        return (
            await DeleteAllAsync(() => groups.ForgetFigures(RollupLevel.Minute, minutes), writing, cancel),
            await DeleteAllAsync(() => groups.ForgetFigures(RollupLevel.Hour, hours), writing, cancel));
    }

    async Task<long> DeleteAllAsync(Func<int> deletePiece, Chores writing, CancellationToken cancel)
    {
        long deleted = 0;
        int piece;
        do
        {
            piece = await WriteAsync(deletePiece, writing, cancel);
            deleted += piece;
        }
        while (piece > 0);
        return deleted;
    }

    Task<T> WriteAsync<T>(Func<T> work, Chores writing, CancellationToken cancel) => writing.DoAsync(() => store.Write(_ => work()), cancel);
}

/// <summary>Finds keys whose run is gone.</summary>
static class KeySweep
{
    /// <summary>A segment's keys are of runs that ended about one time, but some began long before.</summary>
    const int SegmentsBefore = 3;

    /// <summary>Written segments that may have keys of runs between two instants, oldest first.</summary>
    public static List<long> Segments(Database database, long oldest, long newest)
    {
        var all = new List<(long Id, long From)>();
        using Statement read = database.PrepareOnce("SELECT id, from_at FROM segment ORDER BY id");
        while (read.Step())
        {
            all.Add((read.Int64(0), read.Int64(1)));
        }
        int first = Math.Max(0, all.FindLastIndex(segment => segment.From <= oldest) - SegmentsBefore);
        return [.. all.Take(all.Count - 1).Skip(first).Where(segment => segment.From <= newest).Select(segment => segment.Id)];
    }

    /// <summary>The keys of a segment whose run is gone, and where it was.</summary>
    public static List<(long Key, long At)> Orphans(Database database, long segment)
    {
        var orphans = new List<(long, long)>();
        Statement read = database.Prepare("SELECT key, at FROM run_key WHERE key >= ? AND key < ? AND NOT EXISTS(SELECT 1 FROM run WHERE run.at = run_key.at)");
        read.Bind(1, RunKey.FirstIn(segment)).Bind(2, RunKey.FirstIn(segment + 1));
        while (read.Step())
        {
            orphans.Add((read.Int64(0), read.Int64(1)));
        }
        read.Reset();
        return orphans;
    }
}
