namespace Belfry.Testing;

/// <summary>The thread of an application with windows, to which all that goes on after a wait comes back. It waits itself, so that nothing that comes back is done.</summary>
public sealed class WindowThread : SynchronizationContext
{
    /// <summary>Does something on such a thread.</summary>
    /// <exception cref="TimeoutException">It waits for itself.</exception>
    public static async Task RunAsync(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            SetSynchronizationContext(new WindowThread());
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        thread.IsBackground = true;
        thread.Start();
        await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
    }
}
