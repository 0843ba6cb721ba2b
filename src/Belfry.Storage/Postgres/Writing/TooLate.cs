using Belfry.Storage.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>Events of a group that come too late to be stored: older than the retention, or of a run that was deleted before its age. They are counted.</summary>
sealed class TooLate(RetentionPolicy policy, Instant now)
{
    const string Old = "event older than the retention", Deleted = "event of a deleted run";

    readonly Instant _latest = policy.LatestHorizon(now), _earliest = policy.EarliestHorizon(now);

    /// <summary>What the group's were.</summary>
    public SideNotes Refused { get; } = new();

    /// <summary>An event of a run that is there. Of one that is not, only the folded rows tell how long they would stay.</summary>
    public bool Refuses(TaskEvent item, TrackedLife life)
    {
        if (item.Shown >= _earliest || life.Rows.Count == 0)
        {
            return false;
        }
        Refused.Refuse(item.Source, Old, 1, now);
        return true;
    }

    /// <summary>Rows that would be deleted at once, if these are all their id has.</summary>
    public bool IsOld(IReadOnlyList<FoldedRun> rows) =>
        rows[0].Run.At < _latest && rows.All(row => row.Run.At < policy.Horizon(RetentionPolicy.IsFailure(row.Run), now));

    /// <summary>The rows of an id that has none yet: they would be deleted at once, or were already.</summary>
    public bool Refuses(IReadOnlyList<FoldedRun> rows, TrackedLife life)
    {
        string? why = life.Rows.Count > 0 || rows.Count == 0 ? null
            : IsOld(rows) ? Old
            : life.Deleted is { } gone && rows.All(row => row.Run.Updated <= gone) ? Deleted
            : null;
        if (why is not null)
        {
            Refused.Refuse(rows[0].Run.Source, why, rows.Sum(row => row.Facts.Count), now);
        }
        return why is not null;
    }
}
