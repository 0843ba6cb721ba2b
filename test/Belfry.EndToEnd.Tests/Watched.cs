using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A real <c>belfry serve</c> that reads a broker, with a folder and a token of its own.</summary>
sealed class Watched : IAsyncDisposable
{
    readonly string[] _arguments;
    readonly string? _results;
    readonly string _token, _lostAfter;

    Watched(TempFolder folder, string[] arguments, string? results, string token, string lostAfter) =>
        (Folder, _arguments, _results, _token, _lostAfter) = (folder, arguments, results, token, lostAfter);

    /// <summary>Where it works; its log is <c>log.db</c> in it.</summary>
    public TempFolder Folder { get; }

    /// <summary>The server.</summary>
    public BelfryProcess Server { get; private set; } = null!;

    /// <summary>Its log.</summary>
    public LogReader Log { get; private set; } = null!;

    /// <summary>Makes a token and starts the server.</summary>
    /// <param name="broker">The broker's URL.</param>
    /// <param name="store">The store; a SQLite file in the folder when null.</param>
    /// <param name="results">Where results are kept, if not with a broker that is Redis.</param>
    /// <param name="lostAfter">How long a worker may be silent before what it runs is lost.</param>
    public static async Task<Watched> StartAsync(string broker, string? store = null, string? results = null, string lostAfter = "2s")
    {
        var folder = new TempFolder();
        string url = store ?? $"sqlite://{folder.File("log.db")}";
        var watched = new Watched(folder, ["--broker", broker, "--store", url], results, await BelfryProcess.NewTokenAsync(folder.Path, "--store", url), lostAfter);
        await watched.StartAgainAsync();
        return watched;
    }

    /// <summary>Starts the server on the same store.</summary>
    public async Task StartAgainAsync()
    {
        var settings = new Dictionary<string, string?> { ["BELFRY__LostAfter"] = _lostAfter };
        Server = await BelfryProcess.ServeAsync(_results is null ? _arguments : [.. _arguments, "--result-backend", _results], Folder.Path, _token, settings);
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
