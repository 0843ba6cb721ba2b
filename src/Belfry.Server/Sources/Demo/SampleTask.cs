namespace Belfry.Server.Sources.Demo;

/// <summary>A task that the demo runs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Queue">The queue it waits in.</param>
/// <param name="First">When it runs first, after the start.</param>
/// <param name="Every">How often it runs; null for once.</param>
/// <param name="Body">What it does; returns its result.</param>
/// <param name="Attempts">How often it is tried.</param>
sealed record SampleTask(string Name, string Queue, TimeSpan First, TimeSpan? Every, Func<SampleRun, CancellationToken, Task<string>> Body, int Attempts = 1);

/// <summary>A run of a sample task, as its body sees it.</summary>
/// <param name="Number">Counts the runs of the task, from 1.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Random">Chance.</param>
/// <param name="Clock">Time.</param>
/// <param name="Report">Tells progress: percent and text.</param>
/// <param name="Call">Starts another task, as its parent.</param>
sealed record SampleRun(int Number, int Attempt, Random Random, TimeProvider Clock, Func<double, string, Task> Report, Action<SampleTask> Call)
{
    /// <summary>Takes a while, between two limits.</summary>
    public Task WorkAsync(int fromMilliseconds, int toMilliseconds, CancellationToken cancel) =>
        Task.Delay(TimeSpan.FromMilliseconds(Random.Next(fromMilliseconds, toMilliseconds)), Clock, cancel);
}

/// <summary>A body found that there was nothing to do.</summary>
sealed class NothingToDoException(string reason) : Exception(reason);
