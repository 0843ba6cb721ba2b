using System.Diagnostics;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Testing;
using Cluster = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Sources;

/// <summary>What happened unheard, in a real cluster, is found out afterwards.</summary>
public sealed class ReconcilerTests
{
    [Theory]
    [InlineData(CeleryResults.Extended)]
    [InlineData(CeleryResults.Plain)]
    public async Task What_ran_while_nobody_listened_is_filled_in(CeleryResults results)
    {
        using var folder = new TempFolder();
        await using Cluster cluster = await Cluster.StartAsync(results: results);
        SourceSettings settings = new() { Name = "lab", Broker = cluster.Url };
        string store = $"sqlite://{folder.File("log.db")}";
        await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 4 });
        var expected = new Dictionary<string, RunState>();
        string through, late, waiting;
        await using (Watched before = await Watched.StartAsync(settings, store: store))
        {
            await before.ListeningAsync();
            await before.RunAsync(await cluster.SendAsync("lab.ok"), RunState.Completed);
            through = await cluster.SendAsync("lab.sleep", [15]);
            expected[await cluster.SendAsync("lab.sleep", [2])] = RunState.Completed;
            await before.RunAsync(through, RunState.Running);
            await before.RunAsync(expected.Keys.Single(), RunState.Running);
        }
        for (int i = 0; i < 5; i++)
        {
            expected[await cluster.SendAsync("lab.add", [i, 1])] = RunState.Completed;
            expected[await cluster.SendAsync("lab.fail", [$"no {i}"])] = RunState.Failed;
            expected[await cluster.SendAsync("lab.retry", [1])] = RunState.Completed;
        }
        late = await cluster.SendAsync("lab.sleep", [12]);
        waiting = await cluster.SendAsync("lab.ok", options: new { countdown = 60 });
        await EndedAsync(cluster, expected.Keys);

        await using Watched after = await Watched.StartAsync(settings, store: store);
        await after.ListeningAsync();
        long begin = Stopwatch.GetTimestamp();
        foreach ((string id, RunState state) in expected)
        {
            TaskRun run = (await after.RunAsync(id, state))[^1];
            Assert.True(run.Reconciled.HasFlag(RunParts.Finished), $"{run}");
        }
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 10);
        Assert.Equal(RunState.Running, (await after.RunAsync(through, RunState.Running))[^1].State);
        TaskRun found = (await after.RunAsync(late, RunState.Running))[^1];
        Assert.Equal(("lab.sleep", "w1@lab", RunParts.Received | RunParts.Started), (found.Task, found.Worker, found.Reconciled));
        Assert.Equal("w1@lab", (await after.RunAsync(waiting, RunState.Queued))[^1].Worker);
        Assert.Equal(RunParts.None, (await after.RunAsync(through, RunState.Completed))[^1].Reconciled);
        Assert.Equal(RunParts.Received | RunParts.Started, (await after.RunAsync(late, RunState.Completed))[^1].Reconciled);
    }

    /// <summary>Waits until these runs have left their last results.</summary>
    static Task EndedAsync(Cluster cluster, IEnumerable<string> ids) => Eventually.HoldsAsync("all have ended", async () =>
    {
        const string status = "local r = redis.call('GET', KEYS[1]) return redis.status_reply(r and cjson.decode(r).status or 'NONE')";
        string[] states = await Task.WhenAll(ids.Select(id => cluster.Redis.AskAsync("EVAL", status, "1", $"celery-task-meta-{id}")));
        return states.All(state => state is "SUCCESS" or "FAILURE" or "REVOKED");
    });
}
