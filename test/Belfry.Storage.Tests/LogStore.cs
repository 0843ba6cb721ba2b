using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>An empty store of a test's own, on one of the engines.</summary>
public abstract class LogStore : IAsyncDisposable
{
    public abstract StoreUrl Url { get; }

    /// <summary>The URL with its password, for another process.</summary>
    public virtual string FullUrl => Url.Text;

    public Task<RunLog> OpenAsync(Action<RunLogOptions>? configure = null, TimeProvider? clock = null)
    {
        var options = new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(5) };
        configure?.Invoke(options);
        return RunLog.OpenAsync(Url, options, clock ?? TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
    }

    /// <summary>How often the bytes stand in what is stored, wherever that is. The store is closed.</summary>
    public abstract Task<int> CountOfAsync(byte[] bytes);

    /// <summary>Runs SQL in it. The store is closed.</summary>
    public abstract Task ExecuteAsync(string sql);

    public abstract ValueTask DisposeAsync();
}
