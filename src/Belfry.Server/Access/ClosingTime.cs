using Microsoft.Extensions.Hosting;

namespace Belfry.Server.Access;

/// <summary>
/// When the server stops, whoever is still served a second later is cut off: one who waits for a result or loads a long file would use up the time
/// in which sources finish and the log commits.
/// </summary>
sealed class ClosingTime : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource _over = new();
    readonly CancellationTokenRegistration _stopping;

    public ClosingTime(IHostApplicationLifetime life) => _stopping = life.ApplicationStopping.Register(() => _over.CancelAfter(Patience));

    /// <summary>It is over.</summary>
    public CancellationToken Over => _over.Token;

    public void Dispose()
    {
        _stopping.Dispose();
        _over.Dispose();
    }
}
