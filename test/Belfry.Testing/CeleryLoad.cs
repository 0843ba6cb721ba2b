namespace Belfry.Testing;

/// <summary>A program that sends a mix of tasks at a steady pace: <c>celery/load.py</c>.</summary>
public sealed class CeleryLoad : IAsyncDisposable
{
    readonly ChildProcess _process;

    CeleryLoad(ChildProcess process) => _process = process;

    /// <summary>What it sent so far: id and task of each run; a task that may expire before it begins ends in an exclamation mark.</summary>
    public IReadOnlyDictionary<string, string> Sent =>
        _process.Output.Split('\n')[..^1].Select(line => line.Split(' ')).ToDictionary(words => words[1], words => words[0]);

    /// <summary>Begins.</summary>
    /// <param name="cluster">The cluster, with the queues <c>celery</c> and <c>second</c>.</param>
    /// <param name="pace">Tasks a second.</param>
    /// <param name="whole">Those, too, that leave neither an event nor a record of their end.</param>
    public static CeleryLoad Start(CeleryCluster cluster, double pace, bool whole) => new(
        ChildProcess.Start(Machine.Python, ["load.py", $"{pace}", whole ? "whole" : "told"], CeleryCluster.Folder, cluster.Environment));

    /// <summary>Ends it.</summary>
    public Task StopAsync()
    {
        _process.EndInput();
        return _process.ExitAsync();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
