namespace Belfry.Storage.Definitions;

/// <summary>The book of tasks in the store of their log.</summary>
public sealed class TaskBook : ITaskBook, IDisposable
{
    const string Columns = "name, source, condition, options, parameters, process, registered, seen, disabled";
    static readonly TimeSpan StopsKept = TimeSpan.FromMinutes(1);
    readonly Func<CancellationToken, Task<StoreTables>> _open;
    readonly SemaphoreSlim _opening = new(1);
    StoreTables? _tables;

    /// <summary>In the store of a log that is open.</summary>
    public TaskBook(RunLog log) => _open = cancel => log.TablesAsync(Scripts, cancel);

    /// <summary>In tables that are open.</summary>
    public TaskBook(StoreTables tables) => _open = _ => Task.FromResult(tables);

    /// <summary>The tables.</summary>
    public static TableScripts Scripts { get; } = new("tasks", typeof(TaskBook).Assembly, ".Definitions.Schema.");

    /// <inheritdoc/>
    public async Task<IReadOnlyList<BookedTask>> RegisterAsync(IReadOnlyList<BookedTask> tasks, CancellationToken cancel)
    {
        StoreTables tables = await TablesAsync(cancel);
        foreach (BookedTask[] some in tasks.Chunk(1000)) // a log's events need not wait for all of them
        {
            await tables.WriteAsync(
                session =>
                {
                    foreach (BookedTask task in some)
                    {
                        session.Run(
                            $"""
                            INSERT INTO task_definition({Columns}) VALUES($1, $2, $3, $4, $5, $6, $7, $8, NULL)
                            ON CONFLICT(name) DO UPDATE SET source = $2, condition = $3, options = $4, parameters = $5, process = $6, seen = $8
                            """,
                            task.Name, task.Source, task.Start, task.Options, task.Parameters, task.Process, task.Registered.Micros, task.Seen.Micros);
                    }
                    return some.Length;
                },
                cancel);
        }
        HashSet<string> names = [.. tasks.Select(task => task.Name)];
        return [.. (await ListAsync(cancel)).Where(task => names.Contains(task.Name))];
    }

    /// <inheritdoc/>
    public async Task SeenAsync(string process, Instant at, CancellationToken cancel) => await (await TablesAsync(cancel)).WriteAsync(
        session => session.Run("UPDATE task_definition SET seen = $2 WHERE process = $1", process, at.Micros), cancel);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<BookedTask>> ListAsync(CancellationToken cancel) => await (await TablesAsync(cancel)).ReadAsync(
        session => session.Read($"SELECT {Columns} FROM task_definition ORDER BY name", Read), cancel);

    /// <inheritdoc/>
    public async Task<bool> DisableAsync(string task, bool disabled, CancellationToken cancel) => await (await TablesAsync(cancel)).WriteAsync(
        session => session.Run("UPDATE task_definition SET disabled = $2 WHERE name = $1", task, disabled ? 1 : 0) > 0
            && session.Run("UPDATE task_switch SET number = number + 1") > 0,
        cancel);

    /// <inheritdoc/>
    public async Task HoldAsync(bool hold, CancellationToken cancel) => await (await TablesAsync(cancel)).WriteAsync(
        session => session.Run("UPDATE task_switch SET held = $1, number = number + 1", hold ? 1 : 0), cancel);

    /// <inheritdoc/>
    public async Task<TaskSwitches> SwitchesAsync(CancellationToken cancel) => await (await TablesAsync(cancel)).ReadAsync(
        session =>
        {
            (long number, bool held) = session.Read("SELECT number, held FROM task_switch", row => (row.Number(0), row.Number(1) != 0)).Single();
            IReadOnlyList<(string Name, bool Disabled)> switched = session.Read(
                "SELECT name, disabled FROM task_definition WHERE disabled IS NOT NULL", row => (row.Text(0), row.Number(1) != 0));
            return new TaskSwitches(number, held, switched.ToDictionary(task => task.Name, task => task.Disabled));
        },
        cancel);

    /// <inheritdoc/>
    public async Task StopAsync(string run, string reason, Instant now, CancellationToken cancel) => await (await TablesAsync(cancel)).WriteAsync(
        session =>
        {
            session.Run("DELETE FROM run_stop WHERE at < $1", (now - StopsKept).Micros);
            session.Run("INSERT INTO run_stop(run, reason, at) VALUES($1, $2, $3) ON CONFLICT(run) DO UPDATE SET at = $3", run, reason, now.Micros);
            return session.Run("UPDATE task_switch SET number = number + 1");
        },
        cancel);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, string>> StopsAsync(CancellationToken cancel) => await (await TablesAsync(cancel)).ReadAsync(
        session => session.Read("SELECT run, reason FROM run_stop", row => (Run: row.Text(0), Reason: row.Text(1))).ToDictionary(stop => stop.Run, stop => stop.Reason),
        cancel);

    /// <inheritdoc/>
    public void Dispose() => _opening.Dispose();

    async Task<StoreTables> TablesAsync(CancellationToken cancel)
    {
        if (_tables is { } open)
        {
            return open;
        }
        await _opening.WaitAsync(cancel);
        try
        {
            return _tables ??= await _open(cancel);
        }
        finally
        {
            _opening.Release();
        }
    }

    static BookedTask Read(ITableRow row) => new()
    {
        Name = row.Text(0), Source = row.Text(1), Start = row.Text(2), Options = row.Text(3), Parameters = row.Text(4), Process = row.Text(5),
        Registered = new Instant(row.Number(6)), Seen = new Instant(row.Number(7)), IsDisabled = row.NumberOrNull(8) is { } disabled ? disabled != 0 : null,
    };
}
