using Belfry.Storage.Rollups;
using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>An ended run that may go.</summary>
/// <param name="Place">Its <c>at</c>.</param>
/// <param name="Id">Its id.</param>
/// <param name="Key">Its key.</param>
/// <param name="Name">Number of its task; 0 for none.</param>
/// <param name="State">Its state, as <see cref="EndKind"/> has it.</param>
/// <param name="First">The hour of its first event.</param>
/// <param name="End">The hour of its end.</param>
/// <param name="RememberedUntil">So long its late events are known as such.</param>
readonly record struct ExpiredRun(long Place, string Id, RunKey Key, long Name, int State, long First, long End, Instant RememberedUntil)
{
    /// <summary>Number of its source.</summary>
    public long Source => Key.Source;

    /// <summary>The hours whose figures count it.</summary>
    public long[] Hours => [First, End];

    /// <summary>Deletes it, if it is still what it was.</summary>
    public bool TryDelete(Database database)
    {
        Statement delete = database.Prepare("DELETE FROM run WHERE at = ? AND state = ? AND source = ? AND uid = ?");
        IdColumn.Bind(delete, 4, Id);
        delete.Bind(1, Place).Bind(2, (long)EndKind.StateOf(State)).Bind(3, Source).Run();
        return database.Changes > 0;
    }

    public static ExpiredRun Of(TaskRun run, long place, long? name, int source, RetentionPolicy policy) => new(
        place, run.Id, RunKey.Of(run.Id, source), name ?? 0, EndKind.Of(run),
        RollupKeys.HourOf(run.First), RollupKeys.HourOf(run.Finished ?? run.First), policy.RememberedUntil(run));
}
