using System.Text;

namespace Belfry;

/// <summary>A log in a folder, as a file of comma-separated values: a line for each event, which a spreadsheet opens and everybody can read.</summary>
/// <remarks>
/// What is asked is answered from memory. One process has the folder open at a time. Lines are only ever added; when a good half of them is about runs that
/// retention has let go, the file is written anew beside the old one and takes its place.
/// </remarks>
public sealed class CsvLog : IRunLogStore
{
    const string FileName = "events.csv";
    const int LeastLines = 1000; // a shorter file is not worth being written anew
    readonly string _path;
    readonly MemoryLog _memory;
    readonly FileStream _claim;
    readonly Lock _lock = new();
    FileStream _file;
    long _length, _lines; // of what is whole

    CsvLog(string folder, MemoryLogOptions options, TimeProvider clock)
    {
        _path = Path.Combine(folder, FileName);
        _memory = new MemoryLog(options, clock);
        Directory.CreateDirectory(folder);
        try
        {
            _claim = new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new IOException($"the log in {folder} is open in another process; a log of CSV is of one process at a time", taken);
        }
        _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <summary>Opens the log in a folder, which is made where needed.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What it keeps.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="deleteExisting">Begins with an empty one.</param>
    /// <exception cref="IOException">It cannot be opened, or is open in another process.</exception>
    /// <exception cref="FormatException">It is not a log; the message names the line.</exception>
    public static CsvLog Open(string folder, MemoryLogOptions options, TimeProvider clock, bool deleteExisting = false)
    {
        var log = new CsvLog(folder, options, clock);
        try
        {
            log.Load(deleteExisting);
            return log;
        }
        catch (Exception)
        {
            log.Close();
            throw;
        }
    }

    /// <summary>The events of a log in a folder, only read: a process may be writing it.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="FormatException">It is not a log; the message names the line.</exception>
    public static IEnumerable<TaskEvent> Read(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, FileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new EventLineReader(file);
        while (reader.Next() is { } item)
        {
            yield return item;
        }
    }

    /// <inheritdoc/>
    public Task AppendAsync(IReadOnlyList<TaskEvent> events, CancellationToken cancel)
    {
        lock (_lock)
        {
            Write(events);
            _memory.Put(events);
            return Task.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<bool>> ClaimAsync(IReadOnlyList<RunClaim> claims, CancellationToken cancel)
    {
        lock (_lock)
        {
            bool[] granted = _memory.Grants(claims);
            TaskEvent[] starts = [.. claims.Where((_, index) => granted[index]).Select(claim => claim.Started)];
            Write(starts);
            _memory.Put(starts);
            return Task.FromResult<IReadOnlyList<bool>>(granted);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<TaskRun> ReadAsync(RunQuery query, CancellationToken cancel) => _memory.ReadAsync(query, cancel);

    /// <inheritdoc/>
    public Task<long> CountAsync(RunQuery query, CancellationToken cancel) => _memory.CountAsync(query, cancel);

    /// <inheritdoc/>
    public Task<TaskRun?> LastAsync(string task, RunAction action, CancellationToken cancel) => _memory.LastAsync(task, action, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, TaskHistory>> HistoriesAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel) => _memory.HistoriesAsync(since, cancel);

    /// <inheritdoc/>
    public IDisposable Watch(Action<LogChange> told) => _memory.Watch(told);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>Reads what is there; an end that was torn off by a crash is cut off.</summary>
    void Load(bool deleteExisting)
    {
        if (deleteExisting)
        {
            _file.SetLength(0);
        }
        using var reader = new EventLineReader(_file);
        var events = new List<TaskEvent>();
        while (reader.Next() is { } item)
        {
            events.Add(item);
        }
        (_length, _lines) = (reader.Whole, events.Count);
        _memory.Put(events);
        if (_length == 0)
        {
            WriteText(EventLine.Head);
        }
    }

    void Write(IReadOnlyList<TaskEvent> events)
    {
        if (events.Count == 0)
        {
            return;
        }
        WriteText(string.Concat(events.Select(EventLine.Of)));
        _lines += events.Count;
        if (_memory.HasForgotten && _lines > LeastLines)
        {
            Shrink();
        }
    }

    /// <summary>Adds text; where that fails, what stands half written goes with the next attempt.</summary>
    void WriteText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _file.SetLength(_length);
        _file.Position = _length;
        _file.Write(bytes);
        _file.Flush();
        _length += bytes.Length;
    }

    void Shrink()
    {
        TaskEvent[] kept = [.. _memory.Events()];
        if (kept.Length > _lines / 2)
        {
            return;
        }
        string beside = _path + ".new";
        File.WriteAllText(beside, EventLine.Head + string.Concat(kept.Select(EventLine.Of)));
        _file.Dispose(); // on Windows nothing takes the place of a file that is open
        try
        {
            File.Move(beside, _path, overwrite: true);
        }
        finally
        {
            _file = new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        }
        (_length, _lines) = (_file.Length, kept.Length);
    }

    void Close()
    {
        lock (_lock)
        {
            _file.Dispose();
            _claim.Dispose();
        }
    }
}
