namespace Belfry;

/// <summary>The work queue of an application that keeps nothing itself: a call is refused, because nobody could promise that it is executed.</summary>
sealed class NoWorkQueue : IWorkQueue
{
    /// <summary>Why, and what to do.</summary>
    public const string Refusal = "a call has to wait somewhere until it is executed, also when this process dies, and an application that reports to a server keeps nothing itself: "
        + "log its runs with UseSqlite or UsePostgreSql, or let a condition start the task";

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <inheritdoc/>
    public Task<bool> PutAsync(QueuedCall call, CancellationToken cancel) =>
        Task.FromException<bool>(new InvalidOperationException($"'{call.Task}' cannot be called: {Refusal}."));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedCall>> ClaimAsync(WorkRoom room, CancellationToken cancel)
    {
        await Task.Delay(Timeout.Infinite, cancel);
        return [];
    }

    /// <inheritdoc/>
    public Task BeginAsync(ClaimedCall call, Instant started, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task EndAsync(ClaimedCall call, CallEnd end) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task ReleaseAsync(IReadOnlyList<ClaimedCall> calls) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<bool> RevokeAsync(string id, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, int>> WaitingAsync(CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<string, int>>(new Dictionary<string, int>());
}
