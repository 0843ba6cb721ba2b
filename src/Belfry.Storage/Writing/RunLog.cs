using Microsoft.Extensions.Logging;

namespace Belfry.Storage;

/// <summary>The run log: everything about ingest is behind <see cref="AppendAsync"/>.</summary>
public sealed class RunLog : IAsyncDisposable
{
    /// <summary>Opens a store, creating and migrating it where needed.</summary>
    /// <exception cref="StoreException">It cannot be opened; the message says what to do.</exception>
    public static Task<RunLog> OpenAsync(StoreUrl url, RunLogOptions options, TimeProvider clock, ILoggerFactory loggers, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>What can be asked.</summary>
    public RunQueries Queries => throw new NotImplementedException();

    /// <summary>What changes, after each commit.</summary>
    public RunFeed Feed => throw new NotImplementedException();

    /// <summary>
    /// Adds events, in any order, seen before or not. Completes when they are committed: acknowledge after it.
    /// Waits while the queue is full; while the store cannot be written (a full disk) it waits until it can.
    /// </summary>
    public Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Counts something that was refused, dropped or unknown; written with the next commit. At most 1,000 different ones per source are told apart.</summary>
    public void Refuse(string source, string what, long times = 1) => throw new NotImplementedException();

    /// <summary>Tells how a source does; written with the next commit, or within a second.</summary>
    /// <param name="source">Its name.</param>
    /// <param name="kind">What it is: <c>celery-redis</c>, <c>local</c> …</param>
    /// <param name="misses">It loses what is sent while nobody listens.</param>
    /// <param name="listening">It is being listened to now.</param>
    /// <param name="problem">What is wrong, in a sentence, or null.</param>
    public void Listen(string source, string kind, bool misses, bool listening, string? problem) => throw new NotImplementedException();

    /// <summary>Marks a stretch in which a source was not listened to.</summary>
    public void Miss(string source, Instant from, Instant to, string reason) => throw new NotImplementedException();

    /// <summary>Marks a worker as gone or back, as judged by whoever watches it.</summary>
    public void JudgeWorker(string source, string worker, bool online) => throw new NotImplementedException();

    /// <summary>The open runs of a worker, as committed: for whoever judges that it is gone.</summary>
    public Task<IReadOnlyList<TaskRun>> OpenRunsOfAsync(string source, string worker, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Commits what waits, then closes.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>How the log is kept.</summary>
public sealed class RunLogOptions
{
    /// <summary>How long a group of events may wait for company before it is committed; 100 ms by default.</summary>
    public TimeSpan GroupWait { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How many events may wait to be written before <see cref="RunLog.AppendAsync"/> itself waits; 200,000 by default.</summary>
    public int QueueLimit { get; set; } = 200_000;

    /// <summary>Of how many open runs the events stay in memory; the others are read again when needed. 200,000 by default.</summary>
    public int OpenRunsInMemory { get; set; } = 200_000;

    /// <summary>Wait for the disk at every commit (SQLite's FULL): survives a power cut as well, and costs throughput. Off by default.</summary>
    public bool SyncEveryCommit { get; set; }
}
