using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>The whole server, <c>belfry serve</c>, as its users start it: log, checks, pages and API in one process.</summary>
static class ServerRows
{
    const double EventsPerSecond = 5000;
    const int EventsPerRun = 4, Rounds = 3;

    static readonly string[] Questions =
        ["api/v1/runs?limit=50", "api/v1/runs?limit=50&state=failed", "api/v1/workers", "api/v1/statistics", "api/v1/runs?limit=50&q=nowhere-to-be-found"];

    /// <summary>Row <c>server-memory</c>: a million runs stored (20,000 with --small), then events of Redis, and questions.</summary>
    public static async Task<IReadOnlyList<Figure>> MemoryAsync(bool small)
    {
        int stored = small ? 20_000 : 1_000_000, seconds = small ? 3 : 20;
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}";
        await using (RunLog log = await StoreRows.OpenAsync(folder.File("log.db")))
        {
            await StoreRows.FillAsync(log, new MadeUpEvents(5, Now - TimeSpan.FromDays(30), stored / TimeSpan.FromDays(30).TotalSeconds), stored);
        }
        await using RedisServer redis = await RedisServer.StartAsync();
        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store);
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", redis.Url, "--store", store], folder.Path, token);
        await BelfryReader.SubscribedAsync(redis, server.Process);
        long started = ProcessMemory.Of(server.Process.Id).Now;
        await using Publisher publisher = await Publisher.ConnectAsync(redis.Port);
        for (int round = 0; round < Rounds; round++)
        {
            await publisher.SendAsync(new EventStream((int)(EventsPerSecond / EventsPerRun * seconds), EventsPerSecond / EventsPerRun, Now, seed: round).Publications(), EventsPerSecond);
            await AskAsync(server.Http);
        }
        (long now, long most) = ProcessMemory.Of(server.Process.Id);
        return
        [
            new Figure("server-memory", now / 1e6, "MB", 300, AtLeast: false),
            new Figure("server-memory-start", started / 1e6, "MB", 300, AtLeast: false),
            new Figure("server-memory-most", most / 1e6, "MB at most", 400, AtLeast: false),
        ];
    }

    static async Task AskAsync(HttpClient http)
    {
        foreach (string question in Questions)
        {
            using HttpResponseMessage answer = await http.GetAsync(new Uri(question, UriKind.Relative));
            answer.EnsureSuccessStatusCode();
        }
    }

    static Instant Now => Instant.Now(TimeProvider.System);
}
