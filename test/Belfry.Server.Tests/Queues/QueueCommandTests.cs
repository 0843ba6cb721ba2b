using System.Text.Json;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Server.Tests.Queues;

/// <summary><c>inspect queue</c>, <c>purge queue</c> and <c>queue move</c>, run as their users run them, at a broker and over a server.</summary>
public sealed class QueueCommandTests : IAsyncLifetime
{
    readonly TempFolder _folder = new();
    RedisServer _redis = null!;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    [Fact]
    [Trait("row", "117")]
    public async Task Inspect_queue_tells_size_and_counts_by_application_and_task()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery", "mail.tasks.send", 10, 5);
        await PutAsync("slow", "mail.tasks.send", 20, 1);
        Finished told = await RunAsync("inspect", "queue", "--broker", _redis.Url);
        Assert.Equal(0, told.Code);
        Assert.StartsWith("Queue size: 9\n", told.Output, StringComparison.Ordinal);
        Assert.Contains("Messages by app:\n           6  mail\n           3  shop\n", told.Output, StringComparison.Ordinal);
        Assert.Contains("Messages by task:\n           6  mail.tasks.send\n           3  shop.tasks.buy\n", told.Output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse((await RunAsync("inspect", "queue", "--queue", "slow", "--json", "--broker", _redis.Url)).Output);
        JsonElement queue = Assert.Single(json.RootElement.EnumerateArray());
        Assert.Equal(("slow", 1, 1), (queue.GetProperty("queue").GetString(), queue.GetProperty("waiting").GetInt32(), queue.GetProperty("apps").GetProperty("mail").GetInt32()));
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Purge_queue_counts_asks_and_takes_what_was_said()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery", "mail.tasks.send", 10, 5);
        Finished declined = await AnswerAsync("n\n", "purge", "queue", "--all", "--broker", _redis.Url);
        Assert.Equal((1, ""), (declined.Code, declined.Output));
        Assert.Contains("8 messages (all) in celery of celery", declined.Errors, StringComparison.Ordinal);
        Assert.Contains("Purge 8 messages? (y/N)", declined.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await AnswerAsync("", "purge", "queue", "--all", "--broker", _redis.Url)).Code); // nobody there to answer
        Finished some = await AnswerAsync("y\n", "purge", "queue", "--app-name", "mail", "--broker", _redis.Url);
        Assert.Equal((0, "5 messages purged\n"), (some.Code, some.Output));
        Assert.Equal(0, (await RunAsync("purge", "queue", "--task-id", MadeUpMessage.IdOf(1), "--yes", "--broker", _redis.Url)).Code);
        Assert.Equal("2", await _redis.AskAsync("LLEN", "celery"));
        Assert.Equal(0, (await RunAsync("purge", "queue", "--task-name", "shop.tasks.buy", "--yes", "--broker", _redis.Url)).Code);
        Finished empty = await RunAsync("purge", "queue", "--all", "--yes", "--broker", _redis.Url);
        Assert.Equal(1, empty.Code);
        Assert.Contains("there are no messages to purge (all) in celery", empty.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("purge", "queue", "--yes", "--broker", _redis.Url)).Code);
        Assert.Equal(2, (await RunAsync("purge", "queue", "--all", "--task-id", "7", "--broker", _redis.Url)).Code);
        Assert.Equal(69, (await RunAsync("purge", "queue", "--all", "--broker", $"redis://127.0.0.1:{Machine.FreePort()}/0")).Code);
    }

    [Fact]
    [Trait("row", "80")]
    public async Task Purge_queue_spares_the_queues_that_are_excluded()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("slow", "shop.tasks.buy", 10, 2);
        await PutAsync("mail", "shop.tasks.buy", 20, 1);
        Finished some = await RunAsync("purge", "queue", "--all", "-X", "celery", "-X", "mail", "--yes", "-b", _redis.Url);
        Assert.Equal((0, "2 messages purged\n"), (some.Code, some.Output));
        Finished none = await RunAsync("purge", "queue", "--all", "-Q", "mail", "-X", "mail", "--yes", "-b", _redis.Url);
        Assert.Equal(1, none.Code);
        Assert.Contains("no queue that is known is meant", none.Errors, StringComparison.Ordinal);
        Assert.Equal("3", await _redis.AskAsync("LLEN", "celery"));
    }

    [Fact]
    public async Task Queue_move_moves_within_a_broker_and_between_two()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        Finished moved = await RunAsync("queue", "move", "celery", "slow", "--broker", _redis.Url);
        Assert.Equal((0, "3 messages moved from celery to slow\n"), (moved.Code, moved.Output));
        await using RedisServer there = await RedisServer.StartAsync();
        Assert.Equal(0, (await RunAsync("queue", "move", "slow", "slow", "--broker", _redis.Url, "--to-broker", there.Url)).Code);
        Assert.Equal("3", await there.AskAsync("LLEN", "slow"));
        Assert.Equal(1, (await RunAsync("queue", "move", "slow", "celery", "--broker", _redis.Url)).Code);
        Assert.Equal(2, (await RunAsync("queue", "move", "slow", "slow", "--broker", _redis.Url)).Code);
    }

    [Fact]
    [Trait("row", "116")]
    public async Task The_same_goes_over_a_server()
    {
        await PutAsync("celery", "shop.tasks.buy", 0, 3);
        await PutAsync("celery", "mail.tasks.send", 10, 5);
        string token = await BelfryProcess.NewTokenAsync(_folder.Path, "--scope", "admin");
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", _redis.Url], _folder.Path, token);
        string[] at = ["--server", server.Address.ToString(), "--token", token];
        Finished told = await RunAsync(["inspect", "queue", .. at]);
        Assert.Contains("Messages by app:\n           5  mail\n           3  shop\n", told.Output, StringComparison.Ordinal);
        Finished some = await RunAsync(["purge", "queue", "--app-name", "mail", "--yes", .. at]);
        Assert.Equal("5 messages purged\n", some.Output);
        Assert.Equal("3 messages moved from celery to slow\n", (await RunAsync(["queue", "move", "celery", "slow", .. at])).Output);
        Assert.Equal(1, (await RunAsync(["purge", "queue", "--app-name", "mail", "--yes", .. at])).Code);
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Purge_logs_counts_asks_and_deletes_runs_with_their_figures_also_beside_a_server()
    {
        string store = $"sqlite://{_folder.File("belfry.db")}";
        Instant at = Instant.Now(TimeProvider.System) - TimeSpan.FromMinutes(5);
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(store), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken))
        {
            await log.AppendAsync(
                [.. Enumerable.Range(0, 60).Select(n => new TaskEvent { Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = at, Task = n < 40 ? "shop.tasks.buy" : "mail.tasks.send" })], TestContext.Current.CancellationToken);
        }
        Finished declined = await AnswerAsync("n\n", "purge", "logs", "--all", "--store", store);
        Assert.Equal((1, ""), (declined.Code, declined.Output));
        Assert.Contains("60 ended runs (all)", declined.Errors, StringComparison.Ordinal);
        Finished some = await AnswerAsync("y\n", "purge", "logs", "--app-name", "mail", "--store", store);
        Assert.Equal((0, "20 runs deleted\n"), (some.Code, some.Output));
        Assert.Equal("1 runs deleted\n", (await RunAsync("purge", "logs", "--task-id", "7", "--yes", "--store", store)).Output);
        Assert.Contains("run.purge", (await RunAsync("audit", "--store", store)).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("purge", "logs", "--task-name", "nobody", "--yes", "--store", store)).Code);
        Assert.Equal(2, (await RunAsync("purge", "logs", "--yes", "--store", store)).Code);
        string token = await BelfryProcess.NewTokenAsync(_folder.Path, "--scope", "admin");
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--store", store], _folder.Path, token);
        Assert.Equal("39 runs deleted\n", (await RunAsync("purge", "logs", "--task-name", "shop.tasks.buy", "--yes", "--server", server.Address.ToString(), "--token", token)).Output);
        Assert.Contains("Log count in DB:         0", (await RunAsync("inspect", "logs", "--store", store)).Output, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        _folder.Dispose();
    }

    Task<Finished> RunAsync(params string[] arguments) => BelfryProcess.RunAsync(arguments, _folder.Path);

    Task<Finished> AnswerAsync(string input, params string[] arguments) => BelfryProcess.RunAsync(arguments, _folder.Path, input: input);

    async Task PutAsync(string list, string task, int from, int count)
    {
        foreach (int number in Enumerable.Range(from, count))
        {
            await _redis.AskAsync("LPUSH", list, MadeUpMessage.Of(number, task));
        }
    }
}
