using Belfry.Storage.Keeping;
using Belfry.Storage.Leases;
using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres;
using Belfry.Storage.Samples;
using Belfry.Storage.Sqlite;
using Belfry.Storage.Writing;
using Microsoft.Extensions.Logging;

namespace Belfry.Storage;

/// <summary>The run log: everything about ingest is behind <see cref="AppendAsync"/>.</summary>
/// <remarks>
/// One thread writes. It takes all that waits, folds it, and commits it as one transaction about every 100 ms; what was appended is
/// acknowledged after the commit. While the store cannot be written it tries again, and those who append wait.
/// </remarks>
public sealed partial class RunLog : IAsyncDisposable
{
    const int LargestGroup = 50_000; // events: bounds a transaction, and so how long readers see nothing new
    const int MostToldGone = 1000; // of more deleted runs it is only told that there were many: lists are loaded anew
    static readonly TimeSpan NotesWait = TimeSpan.FromSeconds(0.5), Follow = TimeSpan.FromSeconds(0.5);

    readonly StoreUrl _url;
    readonly RunLogOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly SideNotes _notes = new();
    readonly AppendQueue _queue;
    readonly EventLimits _limits;
    readonly Action<string, string> _refuse;
    readonly ILogWriter _writer;
    readonly ILeaseTable? _leases; // null where the store is this process's own
    readonly Chores _chores;
    readonly ManualResetEventSlim _anyWork = new(false);
    readonly WorkLane _work;
    readonly GroupCommits _commits;
    readonly ITableEngine _tables;
    readonly SampleTable _samples;
    readonly Thread _thread;
    readonly Task _indexing; // of texts, until the log closes
    readonly CancellationTokenSource _stopping = new();
    readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _lastTurn, _followed;

    RunLog(StoreUrl url, ILogWriter writer, RunQueries queries, ILeaseTable? leases, RunLogOptions options, TimeProvider clock, ILogger logger)
    {
        (_url, _writer, _leases, _options, _clock, _logger) = (url, writer, leases, options, clock, logger);
        _queue = new AppendQueue(options.QueueLimit, _anyWork.Set);
        _chores = new Chores(_queue.Nudge);
        _refuse = (source, what) => Refuse(source, what);
        _limits = new EventLimits(new SecretMask(options.HiddenKeys), options.TruncateNested, options.Apps);
        _work = new WorkLane(_anyWork, _queue.Nudge, _limits, (source, what) => Refuse(source, what), AppendAsync, writer.IsShared, clock);
        writer.Rung = _work.Nudge;
        _tables = writer.Tables(_chores);
        _samples = new SampleTable(_tables);
        Queries = queries;
        Feed = new RunFeed(Instant.Now(clock));
        _commits = new GroupCommits(writer, _work, Feed, url, Refuse, clock, logger, _stopping.Token);
        _lastTurn = Instant.Now(clock).Micros;
        _thread = new Thread(WriteUntilStopped) { IsBackground = true, Name = "Belfry run log" };
        _thread.Start();
        _indexing = options.FullTextIndex is { } wanted ? new TextIndexing(writer.Texts(_chores, wanted), clock, logger).RunAsync(_stopping.Token) : Task.CompletedTask;
    }

    /// <summary>Opens a store, creating and migrating it where needed.</summary>
    /// <exception cref="StoreException">It cannot be opened; the message says what to do.</exception>
    public static Task<RunLog> OpenAsync(StoreUrl url, RunLogOptions options, TimeProvider clock, ILoggerFactory loggers, CancellationToken cancel) => Task.Run(
        () =>
        {
            (ILogWriter writer, RunQueries queries, ILeaseTable? leases) = url.Server is null ? OnSqlite(url, options, clock) : OnPostgres(url, options, clock);
            return new RunLog(url, writer, queries, leases, options, clock, loggers.CreateLogger<RunLog>());
        },
        cancel);

    /// <summary>What can be asked.</summary>
    public RunQueries Queries { get; }

    /// <summary>What changes, after each commit.</summary>
    public RunFeed Feed { get; }

    /// <summary>The calls that wait and are at work, in the same store and the same commits.</summary>
    public IWorkQueue Work => _work;

    /// <summary>It keeps a full-text index, or takes it away; null when it leaves what is there alone.</summary>
    public bool? WantsTextIndex => _options.FullTextIndex;

    /// <summary>It is on a server: other processes write it as well.</summary>
    internal bool IsOnServer => _url.Server is not null;

    /// <summary>The clock it goes by.</summary>
    internal TimeProvider Clock => _clock;

    /// <summary>Why the store cannot be written at present; null when it can.</summary>
    public string? Problem => _commits.Problem;

    /// <summary>When the writing thread last came round. It does at least once a second, also when nothing happens; else it hangs in a write.</summary>
    public Instant LastTurn => new(Interlocked.Read(ref _lastTurn));

    /// <summary>
    /// Adds events, in any order, seen before or not. Completes when they are committed: acknowledge after it.
    /// Waits while the queue is full; while the store cannot be written (a full disk) it waits until it can.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        if (!_options.Enabled)
        {
            return Task.CompletedTask;
        }
        Instant now = Instant.Now(_clock);
        Feed.Heard(now);
        var allowed = new List<TaskEvent>(events.Count);
        foreach (TaskEvent item in events)
        {
            if (_limits.Apply(item, now, _refuse) is { } kept)
            {
                allowed.Add(kept);
            }
        }
        return allowed.Count == 0 ? Task.CompletedTask : _queue.AddAsync(allowed, cancel);
    }

    /// <summary>Counts something that was refused, dropped or unknown; written with the next commit. At most 1,000 different ones per source are told apart, each for three months after it came last.</summary>
    public void Refuse(string source, string what, long times = 1) => _notes.Refuse(source, what, times, Instant.Now(_clock));

    /// <summary>Tells how a source does; written with the next commit, or within a second.</summary>
    /// <param name="source">Its name.</param>
    /// <param name="kind">What it is: <c>celery-redis</c>, <c>local</c> …</param>
    /// <param name="misses">It loses what is sent while nobody listens.</param>
    /// <param name="listening">It is being listened to now.</param>
    /// <param name="problem">What is wrong, in a sentence, or null.</param>
    public void Listen(string source, string kind, bool misses, bool listening, string? problem) =>
        _notes.Listen(source, new ListenNote(kind, misses, listening, problem, Instant.Now(_clock)));

    /// <summary>Marks a stretch in which a source was not listened to.</summary>
    public void Miss(string source, Instant from, Instant to, string reason) => _notes.Miss(new SourceGap(source, from, to, reason));

    /// <summary>Marks a worker as gone or back, as judged by whoever watches it.</summary>
    public void JudgeWorker(string source, string worker, bool online) => _notes.Judge(source, worker, online);

    /// <summary>Open runs of a source of processes on this store that are known to be dead.</summary>
    internal async Task<IReadOnlyList<TaskRun>> DeadRunsAsync(string source, CancellationToken cancel)
    {
        var dead = new List<TaskRun>();
        foreach (string process in _writer.DeadProcesses)
        {
            dead.AddRange(await Queries.OpenRunsOfAsync(source, process, cancel));
        }
        return dead;
    }

    /// <summary>Starts runs by compare-and-set on the last start of their task; on a server only.</summary>
    /// <exception cref="TimeoutException">It took too long; none of them starts.</exception>
    internal Task<IReadOnlyList<bool>> StartAsync(IReadOnlyList<RunClaim> claims, TimeSpan patience, CancellationToken cancel) => _work.StartAsync(claims, patience, cancel);

    /// <summary>Something that only one of the servers on this store may do at a time. On SQLite, which has one server, it is held at once.</summary>
    /// <param name="name">What: <see cref="SourceLease"/>, or any other name.</param>
    public Lease LeaseOf(string name) => new(name, _leases, _clock);

    /// <summary>The name of the lease under which a source is read.</summary>
    public static string SourceLease(string source) => $"source {source}";

    /// <summary>
    /// Deletes the ended runs that a policy lets go, in pieces of less than 100 ms between the groups; events go on being stored meanwhile.
    /// Samples are thinned as they age. Only one at a time. What would go is told by <see cref="RunQueries.PreviewAsync"/>.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be read or written at present; what was deleted so far is.</exception>
    public async Task<RetentionResult> RetainAsync(RetentionPolicy policy, CancellationToken cancel)
    {
        Instant now = Instant.Now(_clock);
        RetentionResult result = await _writer.RetainAsync(policy, now, _chores, cancel);
        await _tables.WriteAsync(session => session.Run(RefusalTable.Forget, (now - RefusalTable.Kept).Micros), cancel);
        return result with { Samples = await new SampleThinning(_tables, now).RunAsync(cancel) };
    }

    /// <summary>
    /// Deletes ended runs because somebody wants it, and lowers the figures by them; open ones stay. Their late events are counted and not stored, for as long as
    /// retention would have kept them.
    /// </summary>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="StoreException">The store cannot be read or written at present; what was deleted so far is.</exception>
    public async Task<long> DeleteAsync(RunChoice choice, CancellationToken cancel)
    {
        long deleted = 0;
        try
        {
            await foreach (IReadOnlyList<TaskRun> runs in choice.FindAsync(Queries, cancel))
            {
                await foreach (IReadOnlyList<TaskRun> gone in _writer.DeleteAsync(runs, _options.Retention, Instant.Now(_clock), _chores, cancel))
                {
                    deleted += gone.Count;
                    await TellAsync(deleted > MostToldGone ? [] : [.. gone.Select(run => new RunChange(0, null, run, Gap: false))]);
                }
            }
        }
        finally
        {
            await TellAsync(deleted > MostToldGone ? [new RunChange(0, null, null, Gap: true)] : []);
        }
        return deleted;
    }

    /// <summary>Whoever watches hears it where they hear everything: on the writing thread.</summary>
    Task TellAsync(IReadOnlyList<RunChange> changes) => changes.Count == 0 ? Task.CompletedTask : _chores.DoAsync(
        () =>
        {
            Feed.Publish(changes);
            return changes.Count;
        },
        CancellationToken.None);

    /// <summary>
    /// Adds what was measured, as one transaction of its own. Of a text only the latest is kept. A series that would be one too many is refused, and counted;
    /// <see cref="RunQueries.LatestSamplesAsync"/> and <see cref="RunQueries.SamplesAsync"/> read them.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be written.</exception>
    public async Task SampleAsync(IReadOnlyList<Sample> samples, CancellationToken cancel)
    {
        if (_options.Enabled && samples.Count > 0 && await _samples.AddAsync(samples, cancel) is > 0 and int refused)
        {
            Refuse(samples[0].Source, $"sample beyond {SampleTable.MostSeries:N0} series", refused);
        }
    }

    /// <summary>Opens tables that a room keeps in this store, creating and migrating them where needed. They close with the log.</summary>
    /// <exception cref="StoreException">They are of a newer version, or the store cannot be written.</exception>
    public Task<StoreTables> TablesAsync(TableScripts scripts, CancellationToken cancel) => StoreTables.MigratedAsync(_tables, scripts, owned: false, cancel);

    /// <summary>Commits what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }
        _queue.Close();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stopped.Task.ConfigureAwait(false);
        await _indexing.ConfigureAwait(false);
        _writer.Dispose();
        _queue.Dispose();
        _anyWork.Dispose();
        _stopping.Dispose();
    }

    static (ILogWriter, RunQueries, ILeaseTable?) OnSqlite(StoreUrl url, RunLogOptions options, TimeProvider clock)
    {
        Store store = Store.OpenForWriting(url, options.SyncEveryCommit, options.Serves ? clock : null);
        return (new SqliteWriter(store, options.OpenRunsInMemory ?? SqliteWriter.LivesKept, options.Retention), new SqliteQueries(store, clock), null);
    }

    static (ILogWriter, RunQueries, ILeaseTable?) OnPostgres(StoreUrl url, RunLogOptions options, TimeProvider clock)
    {
        PostgresStore store = PostgresStore.OpenForWriting(url);
        return (new PostgresWriter(store, options.OpenRunsInMemory ?? PostgresWriter.LivesKept, options.Retention, clock), new PostgresQueries(store, clock), new LeaseTable(store));
    }

    void WriteUntilStopped()
    {
        try
        {
            FollowOthers(); // from here on, not from the first turn's end a second later
            while (!_stopping.IsCancellationRequested || !_queue.IsEmpty || HasWork)
            {
                long began = _clock.GetTimestamp();
                Interlocked.Exchange(ref _lastTurn, Instant.Now(_clock).Micros);
                TimeSpan longest = _work.Rest(NotesWait);
                bool any = HasWork || _queue.WaitForEvents(longest, _stopping.Token) || !_notes.IsEmpty || HasWork || _work.IsAsked;
                if (any)
                {
                    WriteGroup();
                }
                _chores.Do(_clock, began, _options.GroupWait);
                if (any)
                {
                    WaitForCompany(began);
                }
                FollowOthers();
            }
            if (!_notes.IsEmpty)
            {
                WriteGroup();
            }
        }
        finally
        {
            _queue.Fail(new ObjectDisposedException(nameof(RunLog)));
            _work.Close(new ObjectDisposedException(nameof(RunLog)));
            _chores.Fail(new ObjectDisposedException(nameof(RunLog)));
            _stopped.SetResult();
        }
    }

    /// <summary>What other processes changed reaches those who watch this log within a second.</summary>
    void FollowOthers()
    {
        if (_writer is not ILogFollower follower || (_followed != 0 && _clock.GetElapsedTime(_followed) < Follow))
        {
            return;
        }
        _followed = _clock.GetTimestamp();
        try
        {
            Feed.Publish(follower.Others());
        }
        catch (StoreException unreadable)
        {
            LogNotFollowed(unreadable.Message);
        }
    }

    bool HasWork => _work.HasWork;

    /// <summary>
    /// Events that come singly are committed at once; when they come in numbers, about every 100 ms, and when so many come that there is always
    /// a group of them, one after the other. Whoever calls a task does not wait for that.
    /// </summary>
    void WaitForCompany(long began)
    {
        TimeSpan rest = _options.GroupWait - _clock.GetElapsedTime(began);
        if (rest > TimeSpan.Zero && !_queue.HasMany)
        {
            _work.Wait(rest, _stopping.Token);
        }
    }

    void WriteGroup() => _commits.Write(_queue.Take(LargestGroup), _work.Take(), _notes.Take());

    [LoggerMessage(4, LogLevel.Debug, "What other processes changed cannot be read: {Problem}")]
    partial void LogNotFollowed(string problem);
}
