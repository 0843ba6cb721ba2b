using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A real <c>belfry serve</c> that reads a broker, with a folder and a token of its own.</summary>
sealed class Watched : IAsyncDisposable
{
    readonly string[] _arguments;
    readonly string _token;

    Watched(TempFolder folder, string[] arguments, string token) => (Folder, _arguments, _token) = (folder, arguments, token);

    /// <summary>Where it works; its log is <c>log.db</c> in it.</summary>
    public TempFolder Folder { get; }

    /// <summary>The server.</summary>
    public BelfryProcess Server { get; private set; } = null!;

    /// <summary>Its log.</summary>
    public LogReader Log { get; private set; } = null!;

    /// <summary>Makes a token and starts the server.</summary>
    /// <param name="broker">The broker's URL.</param>
    /// <param name="store">The store; a SQLite file in the folder when null.</param>
    public static async Task<Watched> StartAsync(string broker, string? store = null)
    {
        var folder = new TempFolder();
        string url = store ?? $"sqlite://{folder.File("log.db")}";
        var watched = new Watched(folder, ["--broker", broker, "--store", url], await BelfryProcess.NewTokenAsync(folder.Path, "--store", url));
        await watched.StartAgainAsync();
        return watched;
    }

    /// <summary>Starts the server on the same store.</summary>
    public async Task StartAgainAsync()
    {
        var settings = new Dictionary<string, string?> { ["BELFRY__LostAfter"] = "2s" };
        Server = await BelfryProcess.ServeAsync(_arguments, Folder.Path, _token, settings);
        Log = new LogReader(Server.Http);
    }

    /// <summary>Runs a verb on the store, whether the server runs or not.</summary>
    public Task<Finished> AskAsync(params string[] verb) => BelfryProcess.RunAsync([.. verb, .. _arguments[2..]], Folder.Path);

    /// <summary>What <c>belfry doctor</c> says, asking the running server's store.</summary>
    public async Task<string> DoctorAsync()
    {
        Finished doctor = await BelfryProcess.RunAsync(["doctor", .. _arguments[2..]], Folder.Path);
        return doctor.Output + doctor.Errors;
    }

    /// <summary>Waits until the server listens to the events of its broker.</summary>
    public Task ListensAsync(RedisServer redis) => Eventually.HoldsAsync(
        "belfry listens to the events", async () => !string.Equals(await redis.AskAsync("PUBSUB", "NUMPAT"), "0", StringComparison.Ordinal));

    /// <summary>Waits until the server reads its queue on RabbitMQ; it says so on stderr.</summary>
    public Task<string> ReadsQueueAsync() => Server.Process.LineAsync(line => line.Contains("messages wait in", StringComparison.Ordinal));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Folder.Dispose();
    }
}
