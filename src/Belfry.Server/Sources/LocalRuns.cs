using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Ends runs of the applications on this log.</summary>
/// <param name="log">The log.</param>
/// <param name="book">Where their processes look each second what is to end.</param>
/// <param name="clock">The clock.</param>
/// <param name="client">That of the application that this server is a part of; null where it is none.</param>
sealed class LocalRuns(RunLog log, ITaskBook book, TimeProvider clock, IBelfryClient? client = null)
{
    /// <summary>A call that waits goes at once; one at work is told to end, in whatever process it is.</summary>
    /// <returns>False when it has ended.</returns>
    public async Task<bool> RevokeAsync(TaskRun run, CancellationToken cancel)
    {
        bool revoked = client is not null ? await client.RevokeAsync(run.Id, cancel) : log.Work is { } queue && await queue.RevokeAsync(run.Id, cancel);
        if (!revoked && !run.State.IsFinal())
        {
            await book.StopAsync(run.Id, CallEvents.Revoked, Instant.Now(clock), cancel);
            revoked = true;
        }
        return revoked;
    }
}
