using System.Diagnostics;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A server that is killed while runs are at work, and starts again: on Redis nobody kept the events meanwhile.</summary>
public sealed class AbsenceTests
{
    [Fact]
    [Trait("row", "103")]
    public async Task The_log_is_complete_after_a_kill_and_what_was_filled_in_is_marked()
    {
        int runs = Soak.Count(300, 10_000);
        await using CeleryCluster cluster = await CeleryCluster.StartAsync(results: CeleryResults.Extended);
        await using Watched belfry = await Watched.StartAsync(cluster.Url);
        await belfry.ListensAsync(cluster.Redis);
        await cluster.StartWorkerAsync(new CeleryWorkerOptions { Concurrency = 4 });
        var ids = new List<string>();
        for (int i = 0; i < runs; i++)
        {
            ids.Add(await cluster.SendAsync(i % 10 == 0 ? "lab.fail" : "lab.add", i % 10 == 0 ? ["no"] : [i, 1]));
            if (i == runs / 3)
            {
                belfry.Server.Process.Signal(9);
                await belfry.Server.Process.ExitAsync();
            }
        }
        await belfry.StartAgainAsync();
        await belfry.ListensAsync(cluster.Redis);
        long begin = Stopwatch.GetTimestamp();
        int filled = 0;
        for (int i = 0; i < runs; i++)
        {
            IReadOnlyList<LoggedRun> attempts = await belfry.Log.UntilAsync(ids[i], i % 10 == 0 ? "Failed" : "Completed", TimeSpan.FromMinutes(2));
            Assert.Equal((1, "w1@lab"), (attempts.Count, attempts[0].Text("worker")));
            filled += attempts[0].Text("reconciled") is null ? 0 : 1;
        }
        TestContext.Current.SendDiagnosticMessage($"{filled} of {runs} runs filled in, all right after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
        Assert.InRange(filled, 1, runs);
    }
}
