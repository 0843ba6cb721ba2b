using System.Diagnostics;
using Belfry.Celery.Results;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Results;

public sealed class RedisResultsTests : IAsyncLifetime
{
    const string Succeeded = """{"status": "SUCCESS", "result": 5, "date_done": "2026-11-21T02:42:16.405109"}""";

    RedisServer _redis = null!;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Records_are_read_in_batches_and_unknown_ids_left_out()
    {
        string[] ids = [.. Enumerable.Range(0, 1203).Select(i => $"id-{i}")];
        await Task.WhenAll(ids.Where((_, i) => i % 3 == 0).Select(id => WriteAsync($"celery-task-meta-{id}", Succeeded)));
        IReadOnlyDictionary<string, ResultRecord> records = await Backend().ReadAsync(ids, TestContext.Current.CancellationToken);
        Assert.Equal(401, records.Count);
        Assert.All(records, record => Assert.Equal((record.Key, "SUCCESS", "5"), (record.Value.Id, record.Value.Status, record.Value.Result)));
    }

    [Theory]
    [InlineData("", "celery-task-meta-a")]
    [InlineData("app", "app_celery-task-meta-a")]
    [InlineData("app:", "app:celery-task-meta-a")]
    [InlineData("app-", "app-celery-task-meta-a")]
    public async Task The_prefix_of_the_backend_follows_Celerys_rule(string prefix, string key)
    {
        await WriteAsync(key, Succeeded);
        Assert.Single(await Backend(prefix).ReadAsync(["a"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Waiting_ends_with_the_run_and_not_with_its_start()
    {
        Task<ResultRecord?> waiting = Backend().WaitAsync("a", TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync("somebody listens", async () => await _redis.PublishAsync("celery-task-meta-a", """{"status": "STARTED", "result": {}}"""u8.ToArray()) > 0);
        await _redis.PublishAsync("celery-task-meta-a", """{"status": "RETRY", "result": {"exc_type": "E", "exc_message": []}}"""u8.ToArray());
        Assert.False(waiting.IsCompleted);
        await _redis.PublishAsync("celery-task-meta-a", System.Text.Encoding.UTF8.GetBytes(Succeeded));
        Assert.Equal("SUCCESS", (await waiting)!.Status);
    }

    [Fact]
    public async Task Who_waits_for_what_has_ended_does_not_wait()
    {
        await WriteAsync("celery-task-meta-a", Succeeded);
        long begun = Stopwatch.GetTimestamp();
        Assert.Equal("5", (await Backend().WaitAsync("a", TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken))!.Result);
        Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task After_its_time_waiting_tells_what_is_known()
    {
        Assert.Null(await Backend().WaitAsync("a", TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken));
        await WriteAsync("celery-task-meta-a", """{"status": "STARTED", "result": {"pid": 7}}""");
        Assert.Equal("STARTED", (await Backend().WaitAsync("a", TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken))!.Status);
    }

    [Fact]
    public async Task All_ids_are_found_with_the_time_they_are_still_kept()
    {
        await Task.WhenAll(Enumerable.Range(0, 2500).Select(i => _redis.AskAsync("SETEX", $"celery-task-meta-{i}", "86400", Succeeded)));
        await WriteAsync("celery-task-meta-for-ever", Succeeded);
        await WriteAsync("something else", "x");
        var found = new List<StoredResult>();
        await foreach (IReadOnlyList<StoredResult> page in Backend().ScanAsync(TestContext.Current.CancellationToken))
        {
            found.AddRange(page);
        }
        Assert.Equal(2501, found.Select(result => result.Id).Distinct().Count());
        Assert.Null(found.First(result => result.Id == "for-ever").Left);
        Assert.InRange(found.First(result => result.Id == "8").Left!.Value.TotalSeconds, 86_000, 86_400);
    }

    [Fact]
    public async Task The_members_of_a_saved_group_are_known()
    {
        await WriteAsync("celery-taskset-meta-g", """{"result": [["g", null], [[["a", "g"], null], [["b", "g"], null]]]}""");
        GroupRecord saved = await Backend().GroupAsync("g", TestContext.Current.CancellationToken);
        Assert.Equal(["a", "b"], saved.Members);
        Assert.Equal(2, saved.Size);
        await WriteAsync("celery-taskset-meta-c.s", "17"); // a chord that is not complete
        Assert.Equal((0, 17), ((await Backend().GroupAsync("c", TestContext.Current.CancellationToken)).Members.Count, (await Backend().GroupAsync("c", TestContext.Current.CancellationToken)).Size));
        Assert.Equal(GroupRecord.None, await Backend().GroupAsync("h", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Whoever_gives_up_at_any_moment_is_told_that_and_nothing_else()
    {
        var random = new Random(3);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            using var impatient = new CancellationTokenSource();
            impatient.CancelAfter(TimeSpan.FromMilliseconds(random.NextDouble() * 20));
            try
            {
                await (i % 3 == 0 ? Backend().GroupAsync("g", impatient.Token) : i % 3 == 1 ? Backend().ReadAsync(["a"], impatient.Token) : (Task)Backend().WaitAsync("a", TimeSpan.FromSeconds(10), impatient.Token));
            }
            catch (OperationCanceledException)
            {
                // The answer to whoever gives up.
            }
        }));
    }

    [Fact]
    public async Task A_backend_that_is_down_says_so()
    {
        await _redis.StopAsync();
        await Assert.ThrowsAsync<IOException>(() => Backend().ReadAsync(["a"], TestContext.Current.CancellationToken));
    }

    RedisResults Backend(string prefix = "") => new(BrokerUrl.Parse(_redis.Url), prefix, TimeProvider.System);

    async Task WriteAsync(string key, string value) => await _redis.AskAsync("SET", key, value);
}
