namespace Belfry.Tests.Scheduling;

/// <summary>A book of tasks in memory that can sometimes not be read to its end.</summary>
sealed class BreakableBook : ITaskBook
{
    readonly Dictionary<string, bool> _switched = [];
    long _number;
    bool _held;

    /// <summary>So many times the runs that are to end cannot be read.</summary>
    public int Failures { get; set; }

    /// <summary>As which they cannot.</summary>
    public Exception Failure { get; init; } = new IOException("the disk fails");

    /// <summary>What was registered last.</summary>
    public IReadOnlyList<BookedTask> Booked { get; private set; } = [];

    public Task<IReadOnlyList<BookedTask>> RegisterAsync(IReadOnlyList<BookedTask> tasks, CancellationToken cancel) => Task.FromResult(Booked = tasks);

    public Task SeenAsync(string process, Instant at, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyList<BookedTask>> ListAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<BookedTask>>([]);

    public Task<bool> DisableAsync(string task, bool disabled, CancellationToken cancel)
    {
        _switched[task] = disabled;
        _number++;
        return Task.FromResult(true);
    }

    public Task HoldAsync(bool hold, CancellationToken cancel)
    {
        (_held, _number) = (hold, _number + 1);
        return Task.CompletedTask;
    }

    public Task<TaskSwitches> SwitchesAsync(CancellationToken cancel) => Task.FromResult(new TaskSwitches(_number, _held, new Dictionary<string, bool>(_switched)));

    public Task StopAsync(string run, string reason, Instant now, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyDictionary<string, string>> StopsAsync(CancellationToken cancel) =>
        Failures-- > 0 ? throw Failure : Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());
}
