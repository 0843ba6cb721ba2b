using System.Collections.Concurrent;

namespace Belfry;

/// <summary>What tasks returned when they last succeeded, of those whose return another task takes up.</summary>
/// <remarks>It holds one value for each such task.</remarks>
sealed class ReturnValues
{
    readonly ConcurrentDictionary<string, bool> _wanted = new();
    readonly ConcurrentDictionary<string, object?> _values = new();

    public ReturnValues(TaskRegistry tasks)
    {
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
        new(_values.TryGetValue(task, out object? value) ? Found.Of(value) : Found.Nothing);

    void Want(TaskDefinition? task)
    {
        foreach (string other in task?.Needs ?? [])
        {
            _wanted.TryAdd(other, true);
        }
    }
}
