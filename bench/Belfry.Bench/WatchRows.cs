using System.Globalization;
using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>What the whole server takes while it watches many workers.</summary>
static class WatchRows
{
    /// <summary>Row <c>watch-1000-workers</c>: a beat of each every two seconds, and a run of each with it, over RabbitMQ.</summary>
    public static async Task<IReadOnlyList<Figure>> ThousandAsync(bool small)
    {
        const int workers = 1_000;
        TimeSpan beat = TimeSpan.FromSeconds(2);
        int beats = small ? 3 : 60;
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await using RabbitPublisher publisher = await RabbitPublisher.ConnectAsync(rabbit);
        using var folder = new TempFolder();
        string store = $"sqlite://{folder.File("log.db")}", token = await BelfryProcess.NewTokenAsync(folder.Path, "--store", store);
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", publisher.Url, "--store", store], folder.Path, token);
        await publisher.ConsumedAsync("celeryev.belfry.celery", server.Process);
        TimeSpan before = server.Process.Cpu;
        for (int round = 0; round < beats; round++)
        {
            Task pause = Task.Delay(beat);
            for (int worker = 0; worker < workers; worker++)
            {
                await publisher.SendAsync(Beat(worker, round));
                await publisher.SendAsync(Run(worker, round));
            }
            await pause;
        }
        double cpu = (server.Process.Cpu - before).TotalSeconds / (beats * beat.TotalSeconds);
        int online = await OnlineAsync(server.Http);
        return
        [
            new Figure("watch-1000-workers", ProcessMemory.Of(server.Process.Id).Most / 1e6, "MB", 300, AtLeast: false),
            new Figure("watch-1000-workers-online", online, "workers", workers, AtLeast: true),
            new Figure("watch-1000-workers-cpu", cpu * 100, "% of a core", 50, AtLeast: false),
        ];
    }

    static double Seconds => Instant.Now(TimeProvider.System).Micros / 1e6;

    static StreamMessage Beat(int worker, int round) => new(
        "worker.heartbeat", Name(worker),
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"hostname": "{{Name(worker)}}", "utcoffset": 0, "pid": {{3_000 + worker}}, "clock": {{round}}, "freq": 2.0, "active": 0, "processed": {{round}}, "loadavg": [0.1, 0.1, 0.1], "sw_ident": "py-celery", "sw_ver": "5.6.3", "sw_sys": "Linux", "timestamp": {{Seconds:F6}}, "type": "worker-heartbeat"}"""),
        1);

    static StreamMessage Run(int worker, int round)
    {
        string id = $"{Guid.NewGuid()}", common = string.Create(
            CultureInfo.InvariantCulture, $$""""hostname": "{{Name(worker)}}", "utcoffset": 0, "pid": {{3_000 + worker}}, "clock": {{round}}, "uuid": "{{id}}", "timestamp": {{Seconds:F6}}"""");
        return new StreamMessage(
            "task.multi", Name(worker),
            $$"""[{"type": "task-received", {{common}}, "name": "lab.task{{worker % 50}}", "args": "()", "kwargs": "{}", "retries": 0}, {"type": "task-started", {{common}}}, {"type": "task-succeeded", {{common}}, "result": "None", "runtime": 0.01}]""",
            3);
    }

    static string Name(int worker) => $"w{worker}@lab";

    static async Task<int> OnlineAsync(HttpClient http)
    {
        using JsonDocument workers = JsonDocument.Parse(await http.GetStringAsync(new Uri("/api/v1/workers", UriKind.Relative)));
        return workers.RootElement.GetProperty("items").EnumerateArray().Count(worker => worker.GetProperty("online").GetBoolean());
    }
}
