using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>The log of an application without a store: what happens is written into a spool on its disk, sent to a server, and held in memory for conditions.</summary>
/// <remarks>
/// An append is done when it is in the spool: it outlives the process, and the server gets it when it can. A source (<see cref="BelfryOptions.Source"/>) is of one
/// process at a time. What conditions ask about comes at the start from the server, where it answers, else from a file beside the spool; of other sources nothing is known.
/// </remarks>
public sealed partial class ServerLog : IRunLogStore
{
    const int RunsOfHistory = 5000;
    static readonly TimeSpan Saving = TimeSpan.FromMinutes(1);

    readonly ServerLogOptions _options;
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly MemoryLog _memory;
    readonly Spool _spool;
    readonly HistoryFile _file;
    readonly ServerHistory _history;
    readonly EventSender _sender;
    readonly Lock _lock = new(); // one claim or append at a time
    readonly ArrayBufferWriter<byte> _lines = new();
    readonly SemaphoreSlim _asking = new(1);
    readonly Dictionary<string, Instant> _known = []; // tasks of which the server told, and since when; as many as are asked about
    readonly ITimer _saving;
    bool _openKnown, _changed;

    /// <summary>Opens the spool and begins to send.</summary>
    /// <param name="url">The server's address, with the path under which it is mounted.</param>
    /// <param name="token">A token with the scopes <c>write</c> and <c>read</c>; without <c>read</c> the past comes from the file alone.</param>
    /// <param name="source">The source under which the runs of this process stand in its log.</param>
    /// <param name="options">The rest.</param>
    /// <param name="clock">The time.</param>
    /// <param name="logger">Where is told that the server is away.</param>
    /// <exception cref="IOException">The spool cannot be opened.</exception>
    public ServerLog(Uri url, string token, string source, ServerLogOptions options, TimeProvider clock, ILogger logger)
    {
        (_options, _clock, _logger) = (options, clock, logger);
        _memory = new MemoryLog(options.Memory, clock);
        _spool = Spool.Open(options.Folder, options.MostWaiting);
        _file = new HistoryFile(Path.Combine(_spool.Folder, "history.jsonl"));
        _memory.Put([.. _file.Read(), .. HistoryFile.Events(_spool.All())]);
        var server = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false }) { BaseAddress = new Uri(url.ToString().TrimEnd('/') + "/") };
        server.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _history = new ServerHistory(server, source);
        _sender = new EventSender(_spool, server, options, clock, logger);
        _saving = clock.CreateTimer(_ => Save(), null, Saving, Saving);
    }

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <summary>Why the server does not take events; null when it does.</summary>
    public string? Problem => _sender.Problem;

    /// <summary>Bytes of events that the server does not have yet.</summary>
    public long Waiting => _spool.Waiting;

    /// <summary>Events that the server refused for good.</summary>
    public long Refused => _sender.Refused;

    /// <inheritdoc/>
    public Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        lock (_lock)
        {
            Append(events);
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        await KnowAsync(claims.Select(claim => claim.Started.Task).OfType<string>().Distinct().ToDictionary(task => task, _ => Instant.Now(_clock)), cancel);
        lock (_lock)
        {
            bool[] granted = _memory.Grants(claims);
            Append([.. claims.Where((_, i) => granted[i]).Select(claim => claim.Started)]);
            return granted;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await KnowAsync(TasksOf(query), cancel);
        await foreach (TaskRun run in _memory.ReadAsync(query, cancel))
        {
            yield return run;
        }
    }

    /// <inheritdoc/>
    public async Task<long> CountAsync(RunQuery query, CancellationToken cancel)
    {
        await KnowAsync(TasksOf(query), cancel);
        return await _memory.CountAsync(query, cancel);
    }

    /// <inheritdoc/>
    public async Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel)
    {
        await KnowAsync(new Dictionary<string, Instant> { [task] = Instant.Now(_clock) }, cancel);
        return await _memory.LastAsync(task, action, cancel);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel)
    {
        await KnowAsync(since, cancel);
        return await _memory.HistoriesAsync(since, cancel);
    }

    /// <inheritdoc/>
    public IDisposable Watch(Action<LogChange> told) => _memory.Watch(told);

    /// <summary>Sends what is left, for two seconds at most; the rest stays on disk.</summary>
    public ValueTask DisposeAsync() => new(Apart.RunAsync(async () =>
    {
        await _saving.DisposeAsync();
        await _sender.DisposeAsync();
        Save();
        _spool.Dispose();
        _asking.Dispose();
    }));

    void Append(IReadOnlyList<TaskEvent> events)
    {
        if (events.Count == 0)
        {
            return;
        }
        _lines.ResetWrittenCount();
        foreach (TaskEvent item in events)
        {
            EventJson.WriteLine(_lines, item);
        }
        _spool.Append(_lines.WrittenSpan);
        _memory.Put(events);
        _changed = true;
        _sender.Wake();
    }

    /// <summary>Asks the server what is not known of tasks, and of open runs. When it does not answer, what the file told has to do.</summary>
    async Task KnowAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel)
    {
        if (_openKnown && since.All(IsKnown))
        {
            return;
        }
        await _asking.WaitAsync(cancel);
        try
        {
            Dictionary<string, Instant> unknown = since.Where(task => !IsKnown(task)).ToDictionary();
            bool open = !_openKnown;
            Learn(unknown); // once: who waits for a server that is away waits no second time
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            Task<List<TaskRun>> asked = AskAsync(open, unknown, soon.Token);
            try
            {
                List<TaskRun> runs = await asked.WaitAsync(_options.Timeout, _clock, cancel);
                _memory.Put([.. runs.SelectMany(RowEvents.Of)]);
            }
            finally
            {
                await soon.CancelAsync();
            }
        }
        catch (Exception away) when (away is HttpRequestException or IOException or TimeoutException or JsonException or KeyNotFoundException || (away is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            LogNoHistory(away.Message);
        }
        finally
        {
            _asking.Release();
        }
    }

    async Task<List<TaskRun>> AskAsync(bool open, Dictionary<string, Instant> since, CancellationToken cancel) =>
        [.. open ? await _history.OpenAsync(cancel) : [], .. await _history.OfAsync(since, cancel)];

    bool IsKnown(KeyValuePair<string, Instant> task)
    {
        lock (_known)
        {
            return _known.TryGetValue(task.Key, out Instant from) && from <= task.Value;
        }
    }

    void Learn(Dictionary<string, Instant> tasks)
    {
        _openKnown = true;
        lock (_known)
        {
            foreach ((string task, Instant from) in tasks)
            {
                _known[task] = from;
            }
        }
    }

    Dictionary<string, Instant> TasksOf(RunQuery query) =>
        (query.OneOf(nameof(RunFields.Task)) ?? []).OfType<string>().Distinct().ToDictionary(task => task, _ => Instant.Now(_clock));

    /// <summary>Writes the file of the past; what was sent before it was written is not needed in the spool any more.</summary>
    void Save()
    {
        SpoolPlace sent = _spool.Sent;
        if (!_changed)
        {
            return;
        }
        try
        {
            _changed = false;
            _file.Write(_memory.Worth(RunsOfHistory));
            _spool.Forget(sent);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            _changed = true;
            LogNotSaved(refused.Message);
        }
    }

    [LoggerMessage(631, LogLevel.Warning, "The Belfry server does not tell of past runs, so what this machine remembers has to do: {Problem}")]
    partial void LogNoHistory(string problem);

    [LoggerMessage(632, LogLevel.Warning, "Past runs cannot be written beside the spool: {Problem}")]
    partial void LogNotSaved(string problem);
}
