using System.Runtime.CompilerServices;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Calls whose process died in every attempt, and calling them, or any ended call, again.</summary>
sealed class DeadLetters(RunLog log, TimeProvider clock)
{
    const int AtATime = 200;

    static readonly RunFilter Filter = new() { Sources = [CallEvents.Source], States = [RunState.Lost], Text = $"reason:\"{CallEvents.DeadLetter}\"" };

    /// <summary>Calls can be made on this log.</summary>
    public bool MayCall => log.Work is not null;

    /// <summary>Some of them, newest first.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">Where they begin; null for the newest.</param>
    /// <param name="patience">How long the search may take.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="FormatException">The cursor is none.</exception>
    public async Task<RunPage> PageAsync(int limit, string? cursor, TimeSpan patience, CancellationToken cancel)
    {
        RunPage page = await log.Queries.PageAsync(Filter, limit, cursor, patience, cancel);
        return page with { Items = [.. page.Items.Where(CallEvents.IsDeadLetter)] };
    }

    /// <summary>How many there are.</summary>
    public Task<RunCount> CountAsync(int limit, TimeSpan patience, CancellationToken cancel) => log.Queries.CountAsync(Filter, limit, patience, cancel);

    /// <summary>All of them, newest first.</summary>
    public IAsyncEnumerable<TaskRun> AllAsync(CancellationToken cancel) => log.Queries.StreamAsync(Filter, cancel).Where(CallEvents.IsDeadLetter);

    /// <summary>Those with these ids; one that was called again meanwhile is none any more.</summary>
    public async IAsyncEnumerable<TaskRun> FindAsync(IEnumerable<string?> ids, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (string id in ids.OfType<string>().Distinct())
        {
            if ((await log.Queries.FindAsync(id, CallEvents.Source, cancel)).MaxBy(run => run.Attempt) is { } run && CallEvents.IsDeadLetter(run))
            {
                yield return run;
            }
        }
    }

    /// <summary>Calls an ended call again, with what it was called with.</summary>
    /// <returns>The id of the new run.</returns>
    /// <exception cref="ArgumentException">It cannot be called again; the message says why.</exception>
    public async Task<string> CallAgainAsync(TaskRun run, CancellationToken cancel)
    {
        QueuedCall call = await PutAsync(run, cancel);
        await SettleAsync([(run, call)], cancel);
        return call.Id;
    }

    /// <summary>Calls many again; those that cannot be called again stay as they are.</summary>
    /// <returns>How many were called.</returns>
    public async Task<int> CallAgainAsync(IAsyncEnumerable<TaskRun> runs, CancellationToken cancel)
    {
        int called = 0;
        await foreach (TaskRun[] some in runs.Where(run => Again.ProblemOf(run) is null).Chunk(AtATime).WithCancellation(cancel))
        {
            QueuedCall[] calls = await Task.WhenAll(some.Select(run => PutAsync(run, cancel)));
            await SettleAsync(some.Zip(calls), cancel);
            called += some.Length;
        }
        return called;
    }

    async Task<QueuedCall> PutAsync(TaskRun run, CancellationToken cancel)
    {
        QueuedCall call = Again.Of(run, Guid.CreateVersion7(clock.GetUtcNow()).ToString(), Instant.Now(clock));
        await log.Work!.PutAsync(call, cancel);
        return call;
    }

    async Task SettleAsync(IEnumerable<(TaskRun Run, QueuedCall Call)> called, CancellationToken cancel)
    {
        TaskEvent[] settled = [.. called.Where(one => CallEvents.IsDeadLetter(one.Run)).Select(one => CallEvents.Settled(one.Run, one.Call.Id, Instant.Now(clock)))];
        if (settled.Length > 0)
        {
            await log.AppendAsync(settled, cancel);
        }
    }
}
