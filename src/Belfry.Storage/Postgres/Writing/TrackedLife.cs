using Belfry.Storage.Rows;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>An id with its facts and the rows it has in the store.</summary>
sealed class TrackedLife(RunKey key, string source, string id)
{
    public RunKey Key { get; } = key;

    public Life Life { get; private set; } = new(source, id);

    /// <summary>Its rows in the store, as they were last read or written here.</summary>
    public List<StoredRow> Rows { get; private set; } = [];

    /// <summary>The row that guards it, which is also the key of its first attempt; null while it is not known to be stored.</summary>
    public Guard? Guard { get; set; }

    /// <summary>When it was deleted before its age, if it was.</summary>
    public Instant? Deleted { get; private set; }

    /// <summary>What the events of the group in hand make of it; null where they tell nothing new.</summary>
    public IReadOnlyList<FoldedRun>? Folded { get; private set; }

    public bool IsOpen => Rows.Exists(row => !row.Fold.Run.State.IsFinal());

    /// <summary>It was in the store before this transaction.</summary>
    public bool IsOlderThan(uint transaction) => Guard is { } guard && guard.Version != transaction;

    /// <summary>Adds the events that a group has of it, as far as they are wanted.</summary>
    public void Add(IReadOnlyList<TaskEvent> events, TooLate tooLate)
    {
        bool news = false;
        foreach (TaskEvent item in events)
        {
            news |= !tooLate.Refuses(item, this) && Life.Add(item);
        }
        Folded = news ? Life.Fold() : null;
    }

    /// <summary>Begins anew with what the store has of it; what a group told is to be added again.</summary>
    public void Reset(Guard guard)
    {
        (Life, Rows, Guard, Deleted, Folded) = (new Life(Life.Source, Life.Id), [], guard, null, null);
    }

    /// <summary>Learns a row that the store has.</summary>
    public void Learn(StoredRow row)
    {
        Rows.Add(row);
        foreach (TaskEvent fact in row.Fold.Facts)
        {
            Life.Add(fact);
        }
    }

    /// <summary>Learns that it was deleted.</summary>
    public void LearnDeleted(Instant when) => Deleted = when;

    /// <summary>It was written so.</summary>
    public void Settle(IReadOnlyList<FoldedRun> rows, uint version) => Rows = [.. rows.Select(row => new StoredRow(row, version))];
}

/// <summary>A row as it stands in the store.</summary>
/// <param name="Fold">The row.</param>
/// <param name="Version">The transaction that wrote it: PostgreSQL's <c>xmin</c>. Whoever writes an id replaces or touches all its rows, so of two who read the same one finds another version.</param>
readonly record struct StoredRow(FoldedRun Fold, uint Version);

/// <summary>The row of <c>run_key</c> that every stored id has.</summary>
/// <param name="At">The instant in it: where the row of attempt 1 is, if that is a success.</param>
/// <param name="Version">The transaction that wrote it; it counts only for an id without rows.</param>
readonly record struct Guard(long At, uint Version);
