using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Servers that are killed while they write: <c>kill -9</c>, again and again on one store.</summary>
public sealed class KillTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_on_SQLite_loses_only_what_was_not_committed()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url);
        await KillAsync(redis, belfry, Soak.Count(3, 50), () => CountAsync(belfry.Folder.File("log.db")));
    }

    [Fact]
    public async Task A_log_on_PostgreSQL_loses_only_what_was_not_committed()
    {
        await using PostgresServer postgres = await PostgresServer.StartAsync();
        await postgres.SqlAsync("postgres", "CREATE DATABASE log");
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url, postgres.UrlOf("log"));
        const string runs = "(SELECT id, source, attempt FROM belfry.run_open UNION ALL SELECT id, source, attempt FROM belfry.run_kept UNION ALL SELECT id, source, attempt FROM belfry.run_done) AS run";
        await KillAsync(redis, belfry, Soak.Count(2, 50), () => postgres.SqlAsync("log", $"SELECT count(*) || ' ' || count(DISTINCT (id, source, attempt)) FROM {runs}"));
    }

    static async Task KillAsync(RedisServer redis, Watched belfry, int kills, Func<Task<string>> count)
    {
        for (int kill = 0; kill < kills; kill++)
        {
            await belfry.ListensAsync(redis);
            using var acknowledged = new Acknowledged(belfry);
            await belfry.Log.UntilAsync(await WireEvent.PublishRunAsync(redis), "Completed");
            IReadOnlyList<string> sent = await PublishUntilKilledAsync(redis, belfry, TimeSpan.FromMilliseconds(300 + (kill * 137 % 700)));
            await acknowledged.EndAsync();

            // As the kill left it: the store opens, its figures are those of its rows, and no run is there twice.
            Finished repair = await belfry.AskAsync("migrate", "--repair-rollups", "--json");
            Assert.True(repair.Code == 0, repair.Errors);
            JsonNode figures = JsonNode.Parse(repair.Output)!["rollups"]!;
            Assert.True(figures["mended"]!.GetValue<long>() == 0, $"kill {kill}: {repair.Output}");
            string[] counted = (await count()).Split(' ');
            Assert.Equal(counted[0], counted[1]);

            await belfry.StartAgainAsync();
            Assert.NotEmpty(acknowledged.Ids);
            bool[] kept = await KnownAsync(belfry, [.. acknowledged.Ids.Distinct()]);
            Assert.DoesNotContain(false, kept);
            await MissesOnlyTheEndAsync(belfry, sent);
        }
    }

    /// <summary>What is missing was sent after all that is there. How much that is, the machine decides.</summary>
    static async Task MissesOnlyTheEndAsync(Watched belfry, IReadOnlyList<string> sent)
    {
        bool[] known = await KnownAsync(belfry, sent);
        int first = Array.IndexOf(known, false);
        if (first >= 0)
        {
            Assert.DoesNotContain(true, known[first..]);
        }
    }

    static Task<bool[]> KnownAsync(Watched belfry, IReadOnlyList<string> ids) =>
        Task.WhenAll(ids.Select(async id => (await belfry.Log.AttemptsAsync(id)).Count > 0));

    /// <summary>Publishes runs one after the other while the server is killed, and tells which.</summary>
    static async Task<IReadOnlyList<string>> PublishUntilKilledAsync(RedisServer redis, Watched belfry, TimeSpan after)
    {
        var sent = new List<string>();
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < after)
        {
            sent.Add(await WireEvent.PublishRunAsync(redis));
        }
        belfry.Server.Process.Signal(9);
        await belfry.Server.Process.ExitAsync();
        return sent;
    }

    /// <summary>Rows in the file, and different runs.</summary>
    static async Task<string> CountAsync(string file)
    {
        Finished counted = await ChildProcess.RunAsync(Machine.Python, ["-c", """
            import sqlite3, sys
            rows = [row for table in ('run', 'open') for row in sqlite3.connect(sys.argv[1]).execute(f'SELECT uid, source, attempt FROM {table}')]
            print(len(rows), len(set(rows)))
            """, file]);
        return counted.Code == 0 ? counted.Output.Trim() : throw new InvalidOperationException(counted.Errors);
    }

    /// <summary>Runs that the server told of as committed, as a reader of its live stream hears them.</summary>
    sealed class Acknowledged : IDisposable
    {
        readonly ConcurrentQueue<string> _ids = new(); // of one server's short life
        readonly Task _reading;
        readonly CancellationTokenSource _over = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        public Acknowledged(Watched belfry) => _reading = ReadAsync(belfry.Server.Http);

        public IReadOnlyCollection<string> Ids => _ids;

        /// <summary>The server is dead: what it said has been heard.</summary>
        public Task EndAsync() => _reading.WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        public void Dispose()
        {
            _over.Cancel();
            _over.Dispose();
        }

        async Task ReadAsync(HttpClient http)
        {
            try
            {
                using var lines = new StreamReader(await http.GetStreamAsync(new Uri("/api/v1/events", UriKind.Relative), _over.Token));
                while (await lines.ReadLineAsync(_over.Token) is { } line)
                {
                    if (line.StartsWith("data: {", StringComparison.Ordinal) && JsonNode.Parse(line[6..])?["id"]?.GetValue<string>() is { } id)
                    {
                        _ids.Enqueue(id);
                    }
                }
            }
            catch (Exception dead) when (dead is IOException or HttpRequestException or System.Text.Json.JsonException)
            {
                // killed in the middle of a line: that run was not told
            }
        }
    }
}
