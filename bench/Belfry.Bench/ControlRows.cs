using System.Diagnostics;
using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Bench;

/// <summary>How long it takes until all workers of a cluster have answered, real ones of Celery on Redis and on RabbitMQ; connecting included.</summary>
static class ControlRows
{
    const int Workers = 3;

    /// <summary>Row <c>inspect-ping</c>.</summary>
    public static async Task<IReadOnlyList<Figure>> PingAsync(bool small)
    {
        int times = small ? 20 : 100;
        await using Lab redis = await Lab.StartAsync();
        await using RabbitServer server = await RabbitServer.StartAsync();
        await using Lab rabbit = Lab.StartOn(server.NewUrl());
        return [.. await MeasureAsync("inspect-ping", redis, times), .. await MeasureAsync("inspect-ping-rabbit", rabbit, times)];
    }

    static async Task<IReadOnlyList<Figure>> MeasureAsync(string row, Lab lab, int times)
    {
        string[] names = [.. Enumerable.Range(1, Workers).Select(number => $"w{number}@lab")];
        await Task.WhenAll(names.Select(name => lab.StartWorkerAsync(new CeleryWorkerOptions { Name = name, Concurrency = 1 })));
        var control = new RemoteControl(new Celery.CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.Url) }, TimeProvider.System);
        var took = new double[times];
        int missing = 0;
        for (int i = -3; i < times; i++) // the first compile what is timed
        {
            long begin = Stopwatch.GetTimestamp();
            ControlAnswer answer = await control.AskAsync("ping", null, [], RemoteControl.UsualTimeout, names, CancellationToken.None);
            took[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            missing += Workers - answer.Replies.Count;
        }
        Array.Sort(took);
        Finished peer = await ChildProcess.RunAsync(Machine.Python, ["ping_peer.py", lab.Url, $"{Workers}", $"{Math.Min(times, 10)}"], AppContext.BaseDirectory);
        double theirs = peer.Code == 0 ? JsonElement.Parse(peer.Output).GetProperty("median").GetDouble() : throw new InvalidOperationException(peer.Errors);
        return
        [
            new Figure(row, took[times / 2], "ms, median", 100, AtLeast: false, "Celery's client", theirs),
            new Figure(row + "-p99", took[times - 1 - (times / 100)], "ms", 100, AtLeast: false),
            new Figure(row + "-missing", missing, "answers", 0, AtLeast: false),
        ];
    }
}
