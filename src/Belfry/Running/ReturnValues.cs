using System.Collections.Concurrent;
using System.Text.Json;

namespace Belfry;

/// <summary>What tasks returned when they last succeeded, of those whose return another task takes up.</summary>
/// <remarks>It holds one value for each such task. What a task returned before this process began is read from the log, as that has it.</remarks>
sealed class ReturnValues
{
    readonly ConcurrentDictionary<string, bool> _wanted = new();
    readonly ConcurrentDictionary<string, object?> _values = new();
    readonly Func<IRunLogStore?> _log;

    /// <summary>Listens to which tasks come, and reads from a log that is asked for when it is needed; null where there is none.</summary>
    public ReturnValues(TaskRegistry tasks, Func<IRunLogStore?> log)
    {
        _log = log;
        tasks.Changed += change => Want(change.After);
        foreach (TaskDefinition task in tasks.All)
        {
            Want(task);
        }
    }

    /// <summary>Keeps what a task returned, if anybody wants it.</summary>
    public void Set(string task, object? value)
    {
        if (_wanted.ContainsKey(task))
        {
            _values[task] = value;
        }
    }

    /// <summary>Keeps what a task returned in another process.</summary>
    public void Take(string task, object? value) => _values[task] = value;

    /// <summary>What it returned.</summary>
    public ValueTask<Found> FindAsync(string task, CancellationToken cancel) =>
        _values.TryGetValue(task, out object? value) ? new(Found.Of(value)) : OfLogAsync(task, cancel);

    async ValueTask<Found> OfLogAsync(string task, CancellationToken cancel)
    {
        if (_log() is not { } log || await log.LastAsync(task, RunAction.Succeeded, cancel) is not { } last)
        {
            return Found.Nothing;
        }
        return Found.Of(last.Result is { } json ? JsonElement.Parse(json) : null);
    }

    void Want(TaskDefinition? task)
    {
        foreach (string other in task?.Needs ?? [])
        {
            _wanted.TryAdd(other, true);
        }
    }
}
