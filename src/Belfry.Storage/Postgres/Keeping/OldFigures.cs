using Belfry.Storage.Postgres.Writing;
using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>Figures by the minute and by the hour go when they are old, in small transactions; what they tell is part of hours and days by then.</summary>
sealed class OldFigures(PostgresStore store, Instant now)
{
    /// <summary>Deletes them.</summary>
    /// <returns>How many there were.</returns>
    public async Task<(long Minutes, long Hours)> ForgetAsync(CancellationToken cancel)
    {
        long minutes = RollupKeys.FirstOf(RollupKeys.MinuteOf(now - RetentionPolicy.MinutesKept)), hours = RollupKeys.FirstOf(RollupKeys.HourOf(now - RetentionPolicy.HoursKept));
        await RepeatAsync(figures => figures.AddUp(minutes) ? 0 : 1, cancel);
        return (
            await RepeatAsync(figures => figures.Forget(RollupLevel.Minute, minutes), cancel),
            await RepeatAsync(figures => figures.Forget(RollupLevel.Hour, hours), cancel));
    }

    /// <summary>Does a piece of work in a transaction of its own until there is none; tells how much it was.</summary>
    Task<long> RepeatAsync(Func<RollupWriter, int> work, CancellationToken cancel) => Task.Run(
        () =>
        {
            (long done, int piece) = (0, 0);
            do
            {
                cancel.ThrowIfCancellationRequested();
                using NpgsqlConnection connection = store.Connect();
                using NpgsqlTransaction transaction = connection.BeginTransaction();
                piece = work(new RollupWriter(connection));
                transaction.Commit();
                done += piece;
            }
            while (piece > 0);
            return done;
        },
        cancel);
}
