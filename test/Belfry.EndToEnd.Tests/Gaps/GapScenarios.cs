using System.Diagnostics;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>The scenarios, with what a prototype reached: see <see cref="GapScenario.Measured"/>.</summary>
static class GapScenarios
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<GapScenario> All { get; } =
    [
        new("Redis, away", AwayAsync) { Measured = "551 519 29 3 0, 0.5-1.1 s" },
        new("Redis, away for longer than LostAfter", LongAwayAsync) { Measured = "our absence makes nothing Lost", LosesNothing = true, Always = true },
        new("Redis, away, no result_extended", AwayAsync) { Measured = "546 516 24 1 5 open, 9.6 s", Extended = false },
        new("Redis, away, worker killed", AwayAndKilledAsync) { Measured = "552 522 27 3 0, 0.5 s, Lost 64 s" },
        new("Redis, worker killed", KilledAsync) { Measured = "414 410 0 4 0, Lost 65 s" },
        new("Redis, threads", ThreadsAsync) { Measured = "1435 1432 0 3 0, <= 7 s", Pool = "threads" },
        new("Redis, overflow", OverflowAsync) { Measured = "747 736 10 0 1 attempt, <= 3.7 s", Redis = ["--client-output-buffer-limit", "pubsub 1mb 512kb 1"], Always = true },
        new("Redis, too much for us", TooMuchAsync) { Measured = "as overflow", LosesNothing = true },
        new("Redis restarted, AOF", RedisRestartAsync) { Measured = "455 442 0 3 10, <= 19 s", Redis = ["--appendonly", "yes", "--appendfsync", "always"], Restarts = true, Always = true },
        new("Redis restarted, nothing kept", RedisRestartAsync) { Measured = "169 155 0 3 11, <= 23 s", Restarts = true },
        new("Redis, worker stopped", StoppedAsync) { Measured = "262 259 0 3 0, 0 s", Always = true },
        new("Redis, solo, then killed", SoloAsync) { Measured = "29 29 0 0 0", Pool = "solo" },
        new("Redis, network cut", CutAsync) { Measured = "as away", LosesNothing = true, Always = true },
        new("RabbitMQ, away for longer than LostAfter", LongAwayAsync) { Measured = "our absence makes nothing Lost", OnRabbit = true, LosesNothing = true, Always = true },
        new("RabbitMQ, worker killed", KilledAsync) { Measured = "420 417 0 3 0, Lost 65 s", OnRabbit = true },
        new("RabbitMQ, threads", ThreadsAsync) { Measured = "1450 1442 0 2 6 expired, <= 7 s", OnRabbit = true, Pool = "threads" },
        new("RabbitMQ restarted", RabbitRestartAsync) { Measured = "458 455 0 2 1 attempt, 2 s", OnRabbit = true, Restarts = true, Always = true },
        new("RabbitMQ, away, worker killed", AwayAndKilledAsync) { Measured = "551 543 0 5 3, Lost 65 s", OnRabbit = true, Always = true },
        new("RabbitMQ, worker stopped", StoppedAsync) { Measured = "263 260 0 3 0, 5 s", OnRabbit = true, Always = true },
        new("RabbitMQ, solo, then killed", SoloAsync) { Measured = "29 29 0 0 0", OnRabbit = true, Pool = "solo" },
        new("RabbitMQ, network cut", CutAsync) { Measured = "nothing is lost", OnRabbit = true, LosesNothing = true },
        new("RabbitMQ, short of memory", ShortOfMemoryAsync) { Measured = "nothing becomes Lost", OnRabbit = true, OwnBroker = true, LosesNothing = true, Always = true },
    ];

    static async Task AwayAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 25));
        await site.LeaveAsync();
        await site.RunAsync(Soak.Count(3, 20));
        await site.ReturnAsync();
        await site.RunAsync(Soak.Count(1, 24));
    }

    static async Task LongAwayAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 20));
        await site.LeaveAsync();
        await site.RunAsync(Soak.Count(5, 75));
        await site.ReturnAsync();
        await site.RunAsync(Soak.Count(1, 20));
    }

    static async Task AwayAndKilledAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 25));
        await site.LeaveAsync();
        await site.RunAsync(Soak.Count(1, 10));
        await site.KillWorkerAsync();
        await site.RunAsync(Soak.Count(1, 10));
        await site.ReturnAsync();
        await site.RunAsync(Soak.Count(1, 24));
    }

    static async Task KilledAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(3, 26));
        await site.KillWorkerAsync();
        site.Mark();
        await site.RunAsync(Soak.Count(1, 26));
    }

    static async Task ThreadsAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(4, 170));
        site.Mark();
        await site.RunAsync(Soak.Count(1, 10));
    }

    // Redis cuts off whoever does not read: the server is stopped in its tracks, and much is published meanwhile.
    static async Task OverflowAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 40));
        int listened = site.Listened, subscribed = await PatternsAsync(site);
        site.Belfry.Server.Process.Signal(19);
        await Eventually.HoldsAsync("Redis cut the server off", async () =>
        {
            await site.Redis.PublishAsync("/0.celeryev/task.much", new byte[1_000_000]);
            return await PatternsAsync(site) < subscribed;
        });
        await site.RunAsync(Soak.Count(3, 10));
        site.Belfry.Server.Process.Signal(18);
        await site.ListensAsync(listened + 1);
        site.Mark();
        await site.RunAsync(Soak.Count(1, 42));
    }

    // The log takes nothing for a while, and so much waits to be decoded that we ourselves throw messages away: 128 MB are our limit.
    static async Task TooMuchAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 20));
        await using (await site.LockLogAsync())
        {
            byte[] large = new byte[1_000_000];
            for (int i = 0; i < 200; i++)
            {
                await site.Redis.PublishAsync("/0.celeryev/task.much", large);
            }
            await site.RunAsync(Soak.Count(3, 15));
        }
        site.Mark();
        await Eventually.HoldsAsync("the gap", async () => (await site.Belfry.DoctorAsync()).Contains("the queue was full", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        await site.RunAsync(Soak.Count(1, 20));
    }

    static async Task RedisRestartAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(3, 25));
        int listened = site.Listened;
        await site.Redis.StopAsync();
        await site.RunAsync(Soak.Count(1, 3));
        await site.Redis.StartAgainAsync();
        long back = Stopwatch.GetTimestamp();
        await site.ListensAsync(listened + 1);
        site.Mark(back);
        await site.RunAsync(Soak.Count(2, 28));
    }

    static async Task RabbitRestartAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(3, 25));
        int listened = site.Listened;
        await site.Rabbit!.StopAsync();
        await site.Rabbit.StartAgainAsync();
        await site.ListensAsync(listened + 1);
        site.Mark();
        await Eventually.HoldsAsync("the gap", async () => (await site.Belfry.DoctorAsync()).Contains("the broker was restarted", StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        await site.RunAsync(Soak.Count(2, 25));
    }

    // It reads no more from whoever publishes: neither beats nor acknowledgements come through, from workers that live.
    static async Task ShortOfMemoryAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 20));
        await site.Rabbit!.TellAsync("set_vm_memory_high_watermark", "0.0001");
        site.Mark();
        await site.RunAsync(Soak.Count(8, 75));
        await site.Rabbit.TellAsync("set_vm_memory_high_watermark", "0.4");
        site.Mark();
        await site.RunAsync(Soak.Count(2, 20));
    }

    static async Task StoppedAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(3, 20));
        await site.StopWorkerAsync();
        site.Mark();
        await site.RunAsync(Soak.Count(1, 12));
    }

    static async Task CutAsync(GapSite site)
    {
        await site.RunAsync(Soak.Count(2, 20));
        int listened = site.Listened;
        site.Wire.Cut();
        await site.RunAsync(Soak.Count(3, 30));
        site.Wire.Mend();
        await site.ListensAsync(listened + 1);
        site.Mark();
        await site.RunAsync(Soak.Count(1, 18));
    }

    // It says nothing while it works: that is neither its end nor that of the run. Killed, it gives the run back, because it acknowledges late.
    static async Task SoloAsync(GapSite site)
    {
        async Task SendAsync(string task, object[] args) => site.Sent[await site.Cluster.SendAsync(task, args)] = task;
        for (int i = 0; i < 25; i++)
        {
            await SendAsync(i % 5 == 0 ? "lab.fail" : "lab.ok", []);
        }
        await SendAsync("lab.sleep", [10]);
        await SendAsync("lab.sleep", [300]);
        await SendAsync("lab.ok", []);
        await SendAsync("lab.ok", []);
        await Task.Delay(TimeSpan.FromSeconds(15));
        await site.KillWorkerAsync();
        site.Mark();
        await Task.Delay(TimeSpan.FromSeconds(Soak.Count(5, 90)));
    }

    static async Task<int> PatternsAsync(GapSite site) => int.Parse(await site.Redis.AskAsync("PUBSUB", "NUMPAT"));
}
