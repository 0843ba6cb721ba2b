using System.Diagnostics;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Brokers that are down, disks that are full, servers that are killed.</summary>
public sealed class HardTimesTests
{
    [Fact]
    public async Task A_broker_that_is_down_at_start_is_waited_for()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.StopAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url);
        Assert.Empty(await belfry.Log.ListAsync("limit=1"));

        await redis.StartAgainAsync();
        await belfry.ListensAsync(redis);

        await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");
    }

    [Fact]
    public async Task A_broker_that_restarts_is_listened_to_again()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url);
        await belfry.ListensAsync(redis);
        await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");

        await redis.StopAsync();
        await redis.StartAgainAsync();
        await belfry.ListensAsync(redis);

        await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");
    }

    [Fact]
    public async Task A_server_that_is_killed_while_it_writes_loses_only_what_it_had_not_committed()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url);
        for (int kill = 0; kill < Soak.Count(3, 100); kill++)
        {
            await belfry.ListensAsync(redis);
            string committed = await WireEvent.PublishSuccessAsync(redis);
            await belfry.Log.UntilAsync(committed, "Completed");
            IReadOnlyList<(string Id, long At)> sent = await PublishUntilKilledAsync(redis, belfry, TimeSpan.FromMilliseconds(300 + (kill * 137 % 700)));
            await belfry.StartAgainAsync();

            Assert.NotEmpty(await belfry.Log.AttemptsAsync(committed));
            bool[] known = await Task.WhenAll(sent.Select(async run => (await belfry.Log.AttemptsAsync(run.Id)).Count > 0));

            int first = Array.IndexOf(known, false);
            if (first >= 0)
            {
                Assert.DoesNotContain(true, known[first..]);
                Assert.True(Stopwatch.GetElapsedTime(sent[first].At, sent[^1].At) < TimeSpan.FromSeconds(1), "more than the last group is missing");
            }
        }
    }

    [Fact]
    public async Task A_full_disk_is_waited_out()
    {
        Assert.SkipUnless(Machine.IsRoot, "only root can mount a small disk");
        await using SmallDisk disk = await SmallDisk.MountAsync(megabytes: 8);
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url, disk.File("log.db"));
        await belfry.ListensAsync(redis);
        await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");

        disk.Fill();
        var whileFull = new List<string>();
        await Eventually.HoldsAsync("the server is not ready", async () =>
        {
            whileFull.Add(await WireEvent.PublishSuccessAsync(redis, bytesOfResult: 50_000));
            return !await IsReadyAsync(belfry);
        });
        await Eventually.HoldsAsync("its log says why", () => Said(belfry).Contains("full", StringComparison.OrdinalIgnoreCase));
        Assert.False(belfry.Server.Process.HasExited);
        disk.Empty();

        foreach (string id in whileFull)
        {
            await belfry.Log.UntilAsync(id, "Completed");
        }
        await Eventually.HoldsAsync("the server is ready again", () => IsReadyAsync(belfry));
    }

    static string Said(Watched belfry) => belfry.Server.Process.Output + belfry.Server.Process.Errors;

    static async Task<bool> IsReadyAsync(Watched belfry)
    {
        using HttpResponseMessage answer = await belfry.Server.Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
        return answer.IsSuccessStatusCode;
    }

    /// <summary>Publishes runs one after the other while the server is killed, and tells which and when.</summary>
    static async Task<IReadOnlyList<(string Id, long At)>> PublishUntilKilledAsync(RedisServer redis, Watched belfry, TimeSpan after)
    {
        var sent = new List<(string Id, long At)>();
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < after)
        {
            sent.Add((await WireEvent.PublishSuccessAsync(redis), Stopwatch.GetTimestamp()));
        }
        belfry.Server.Process.Signal(9);
        await belfry.Server.Process.ExitAsync();
        return sent;
    }
}
