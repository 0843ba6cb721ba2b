namespace Belfry;

/// <summary>
/// Apart from the caller's thread, where everything comes back to that: whoever has a thread for a window, and waits on it for an answer, would wait for ever.
/// </summary>
static class Apart
{
    public static Task RunAsync(Func<Task> work) => SynchronizationContext.Current is null ? work() : Task.Run(work);

    public static Task<T> RunAsync<T>(Func<Task<T>> work) => SynchronizationContext.Current is null ? work() : Task.Run(work);
}
