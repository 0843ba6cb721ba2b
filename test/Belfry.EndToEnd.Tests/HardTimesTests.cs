using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Brokers that are down, disks that are full.</summary>
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
    public async Task A_full_disk_is_waited_out()
    {
        Assert.SkipUnless(Machine.IsRoot, "only root can mount a small disk");
        await using SmallDisk disk = await SmallDisk.MountAsync(megabytes: 8);
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url, $"sqlite://{disk.File("log.db")}");
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
}
