using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Tests;

/// <summary>A folder of its own with a store in it.</summary>
sealed class LogFolder : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("belfry-storage-").FullName;

    public StoreUrl Url => StoreUrl.Parse($"sqlite://{File}");

    public string File => Path.Combine(Folder, "log.db");

    public Task<RunLog> OpenAsync(Action<RunLogOptions>? configure = null, TimeProvider? clock = null)
    {
        var options = new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(5) };
        configure?.Invoke(options);
        return RunLog.OpenAsync(Url, options, clock ?? TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
