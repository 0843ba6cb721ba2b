using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Keeping;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Events that come too late to be stored: older than the retention, or of a run that was deleted before its age. They are counted.</summary>
sealed class TooLate
{
    const string Old = "event older than the retention", Deleted = "event of a deleted run";

    readonly Database _database;
    readonly RetentionPolicy _policy;
    bool _anyDeleted;
    Instant _now, _latest, _earliest;

    public TooLate(Database database, RetentionPolicy policy)
    {
        (_database, _policy) = (database, policy);
        _anyDeleted = database.Number("SELECT EXISTS(SELECT 1 FROM deleted)") != 0;
    }

    /// <summary>What the group's were.</summary>
    public SideNotes Refused { get; private set; } = new();

    /// <summary>A group begins.</summary>
    public void Begin(Instant now)
    {
        (_now, _latest, _earliest) = (now, _policy.LatestHorizon(now), _policy.EarliestHorizon(now));
        Refused = new SideNotes();
    }

    /// <summary>An event of a run that is there. Of one that is not, only the folded rows tell how long they would stay.</summary>
    public bool Refuses(TaskEvent item, TrackedLife life)
    {
        if (item.Shown >= _earliest || life.Rows.Count == 0)
        {
            return false;
        }
        Refused.Refuse(item.Source, Old, 1, _now);
        return true;
    }

    /// <summary>The rows of an id that has none yet: they would be deleted at once, or were already.</summary>
    public bool Refuses(IReadOnlyList<FoldedRun> rows, RunKey key, KeySegments keys)
    {
        string? why = rows.Count == 0 ? null
            : rows[0].Run.At < _latest && rows.All(row => row.Run.At < _policy.Horizon(RetentionPolicy.IsFailure(row.Run), _now)) ? Old
            : _anyDeleted && keys.MayHave(key) && WasDeleted(rows) ? Deleted
            : null;
        if (why is not null)
        {
            Refused.Refuse(rows[0].Run.Source, why, rows.Sum(row => row.Facts.Count), _now);
        }
        return why is not null;
    }

    /// <summary>Remembers a run that is deleted before its age.</summary>
    public void Remember(ExpiredRun run, Instant now)
    {
        if (run.RememberedUntil > now)
        {
            _anyDeleted = true;
            Statement put = _database.Prepare("INSERT OR REPLACE INTO deleted(uid, source, gone, until) VALUES(?, ?, ?, ?)");
            IdColumn.Bind(put, 1, run.Id);
            put.Bind(2, run.Source).Bind(3, now.Micros).Bind(4, run.RememberedUntil.Micros).Run();
        }
    }

    bool WasDeleted(IReadOnlyList<FoldedRun> rows)
    {
        Statement find = _database.Prepare("SELECT gone FROM deleted WHERE uid = ? AND source = (SELECT id FROM name WHERE kind = ? AND text = ?)");
        IdColumn.Bind(find, 1, rows[0].Run.Id);
        bool late = find.Bind(2, (long)NameKind.Source).Bind(3, rows[0].Run.Source).Step() && rows.All(row => row.Run.Updated.Micros <= find.Int64(0));
        find.Reset();
        return late;
    }
}
