namespace Belfry.Celery.Control;

/// <summary>The way to the workers of a cluster and back, for one command; one implementation for each kind of broker.</summary>
interface IControlLine : IAsyncDisposable
{
    /// <summary>Sends a command, and listens for replies if it asks for any.</summary>
    /// <returns>How many heard it; null where the broker does not tell.</returns>
    Task<long?> SendAsync(ControlRequest request, CancellationToken cancel);

    /// <summary>The next reply to what was sent; null when none comes in this time.</summary>
    Task<ControlReply?> ReceiveAsync(TimeSpan wait, CancellationToken cancel);

    /// <summary>Whether a worker listens.</summary>
    Task<Presence> FindAsync(string worker, CancellationToken cancel);
}
