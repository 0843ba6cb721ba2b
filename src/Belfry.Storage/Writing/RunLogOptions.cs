using Belfry.Storage.Keeping;
using Belfry.Storage.Payloads;

namespace Belfry.Storage;

/// <summary>How the log is kept.</summary>
public sealed class RunLogOptions
{
    /// <summary>Events are stored; true by default. Otherwise what is appended is let go at once, and the log can only be read and cleared.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>This process is a server: of a log on SQLite it must be the only one. Off by default.</summary>
    public bool Serves { get; set; }

    /// <summary>How long a group of events may wait for company before it is committed; 100 ms by default.</summary>
    public TimeSpan GroupWait { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How many events may wait to be written before <see cref="RunLog.AppendAsync"/> itself waits; 200,000 by default.</summary>
    public int QueueLimit { get; set; } = 200_000;

    /// <summary>
    /// Of how many open runs the events stay in memory, about 2 KB each; those that had none for the longest are read again when needed. By default 20,000
    /// on SQLite, where more cost the garbage collector as much as they save, and where besides the place of each open run is known, at 50 to 100
    /// bytes each; 100,000 on PostgreSQL, where reading costs more.
    /// </summary>
    public int? OpenRunsInMemory { get; set; }

    /// <summary>Runs that this would delete at once are not stored, but counted; everything is stored by default. Who deletes calls <see cref="RunLog.RetainAsync"/>.</summary>
    public RetentionPolicy Retention { get; set; } = RetentionPolicy.KeepAll;

    /// <summary>
    /// Keep an index of the texts of ended runs, built in the background; searches find the same without it, but read rows. False drops one that is
    /// there. Null, the default, leaves it as it is: it stays exact whoever writes, but only a log that keeps it puts in what came.
    /// </summary>
    public bool? FullTextIndex { get; set; }

    /// <summary>Wait for the disk at every commit (SQLite's FULL): survives a power cut as well, and costs throughput. Off by default.</summary>
    public bool SyncEveryCommit { get; set; }

    /// <summary>Values of keys that contain one of these, in any case, are hidden before anything is stored; <see cref="SecretMask.DefaultKeys"/> by default.</summary>
    public IReadOnlyCollection<string> HiddenKeys { get; set; } = SecretMask.DefaultKeys;

    /// <summary>Empty the containers within arguments and results, as aa-taskmonitor does. Off by default: whoever looks for a fault wants them.</summary>
    public bool TruncateNested { get; set; }

    /// <summary>Applications that are stored under another name: the other by the one that the task's name or its sender tells. None by default.</summary>
    public IReadOnlyDictionary<string, string> Apps { get; set; } = new Dictionary<string, string>();
}
