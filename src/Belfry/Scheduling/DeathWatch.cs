namespace Belfry;

/// <summary>
/// Where a log is of several processes: notices each second which of them have died. What they had at work is Lost; all schedulers hear that from the log, and go
/// on as each task's options say. Several may notice the same death: a loss told twice is one, and of the starts that follow the log grants one.
/// </summary>
sealed class DeathWatch : IAsyncDisposable
{
    static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    readonly CancellationTokenSource _over = new();
    readonly Task _watching;

    DeathWatch(SchedulerParts parts, RunDiary diary, Action<Exception> unheard) => _watching = parts.Log.IsShared ? WatchAsync(parts, diary, unheard) : Task.CompletedTask;

    /// <summary>Watches until it is disposed.</summary>
    public static DeathWatch Begin(SchedulerParts parts, RunDiary diary, Action<Exception> unheard) => new(parts, diary, unheard);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watching;
        _over.Dispose();
    }

    async Task WatchAsync(SchedulerParts parts, RunDiary diary, Action<Exception> unheard)
    {
        CancellationToken over = _over.Token;
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(Pace, parts.Clock, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                IReadOnlyList<TaskRun> dead = await parts.Log.DeadAsync(parts.Options.Source, over);
                TaskEvent[] losses = [.. dead.Where(run => run.State == RunState.Running && !PastRun.Of(run).Called).Select(Restore.Loss)];
                if (losses.Length > 0)
                {
                    await diary.AppendAsync(losses, over);
                }
            }
            catch (Exception unread) when (!over.IsCancellationRequested)
            {
                unheard(unread);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
