using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Rollups;

namespace Belfry.Storage.Postgres.Keeping;

/// <summary>An ended run that may go.</summary>
/// <param name="Place">Its place.</param>
/// <param name="Version">The transaction that wrote it last.</param>
/// <param name="First">The hour of its first event.</param>
/// <param name="End">The hour of its end.</param>
/// <param name="RememberedUntil">So long its late events are known as such.</param>
/// <param name="Bytes">What it takes, about.</param>
readonly record struct ExpiredRun(Place Place, uint Version, long First, long End, Instant RememberedUntil, long Bytes)
{
    /// <summary>What a run takes beside its payload: the row and its entries in the indexes.</summary>
    public const int BytesBesidePayload = 350;

    public static ExpiredRun Of(TaskRun run, Place place, uint version, long payload, RetentionPolicy policy) => new(
        place, version, RollupKeys.HourOf(run.First), RollupKeys.HourOf(run.Finished ?? run.First), policy.RememberedUntil(run), BytesBesidePayload + payload);
}
