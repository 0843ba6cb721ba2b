using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Real workers and their tasks, seen through the API of a real server.</summary>
public sealed class CeleryLogTests(ClusterUnderWatch watch) : IClassFixture<ClusterUnderWatch>
{
    static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(1);

    [Fact]
    [Trait("row", "102")]
    public async Task A_success_has_its_arguments_its_result_its_worker_and_its_times()
    {
        DateTimeOffset before = TimeProvider.System.GetUtcNow();
        string id = await watch.Cluster.SendAsync("lab.add", [2, 3]);

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Completed"));

        Assert.Equal("lab.add", run.Text("task"));
        Assert.Equal("(2, 3)", run.Text("args"));
        Assert.Equal("{}", run.Text("kwargs"));
        Assert.Equal("5", run.Text("result"));
        Assert.Equal("w1@lab", run.Text("worker"));
        Assert.Equal("celery", run.Text("queue"));
        Assert.InRange(run.Submitted!.Value, before - ClockSlack, before + TimeSpan.FromMinutes(1));
        Assert.True(run.Submitted <= run.Received + ClockSlack && run.Received <= run.Started && run.Started <= run.Finished, run.ToString());
    }

    [Fact]
    [Trait("row", "102")]
    public async Task A_failure_has_its_exception_and_its_trace()
    {
        string id = await watch.Cluster.SendAsync("lab.fail", ["no such price"]);

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Failed"));

        Assert.Equal("ValueError('no such price')", run.Text("exception"));
        Assert.Contains("raise ValueError(text)", run.Text("traceback"), StringComparison.Ordinal);
        Assert.NotNull(run.Finished);
    }

    [Fact]
    [Trait("row", "87")]
    [Trait("row", "102")]
    public async Task A_task_that_is_retried_has_a_row_for_each_attempt()
    {
        string id = await watch.Cluster.SendAsync("lab.retry", [2]);

        IReadOnlyList<LoggedRun> attempts = await watch.Log.UntilAsync(id, "Completed");

        Assert.Equal([1, 2, 3], attempts.Select(run => run.Attempt));
        Assert.Equal(["Retried", "Retried", "Completed"], attempts.Select(run => run.State));
        Assert.Contains("try 1", attempts[0].Text("exception"), StringComparison.Ordinal);
        Assert.Contains("try 2", attempts[1].Text("exception"), StringComparison.Ordinal);
        Assert.Equal("2", attempts[2].Text("result"));
        Assert.True(attempts[0].Started < attempts[1].Started && attempts[1].Started < attempts[2].Started);
        Assert.All(attempts, run => Assert.NotNull(run.Finished));
    }

    [Fact]
    [Trait("row", "103")]
    public async Task A_run_that_is_revoked_before_it_begins_is_cancelled()
    {
        string id = await watch.Cluster.SendAsync("lab.add", [1, 1], new { countdown = 3 });
        await watch.Log.UntilAsync(id, "Queued");
        await watch.Cluster.RevokeAsync(id);

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Cancelled"));

        Assert.Equal("revoked", run.Text("reason"));
        Assert.Null(run.Started);
    }

    [Fact]
    [Trait("row", "103")]
    public async Task A_run_that_is_terminated_at_work_is_cancelled()
    {
        string id = await watch.Cluster.SendAsync("lab.sleep", [60]);
        await watch.Log.UntilAsync(id, "Running");
        await watch.Cluster.RevokeAsync(id, terminate: true);

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Cancelled"));

        Assert.Equal("terminated", run.Text("reason"));
        Assert.NotNull(run.Started);
    }

    [Fact]
    [Trait("row", "102")]
    public async Task A_run_over_its_hard_time_limit_has_failed()
    {
        string id = await watch.Cluster.SendAsync("lab.limited");

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Failed"));

        // Debian's Celery and billiard do not quite fit: the event's exception is ExceptionWithTraceback(), the trace tells.
        Assert.Contains("TimeLimitExceeded", run.Text("traceback"), StringComparison.Ordinal);
        Assert.Contains("TimeLimitExceeded", run.Text("exception"), StringComparison.Ordinal);
        Assert.True(run.Finished - run.Started >= TimeSpan.FromSeconds(0.9), run.ToString());
    }

    [Fact]
    [Trait("row", "102")]
    public async Task A_run_with_an_eta_waits_for_it_and_says_so()
    {
        string id = await watch.Cluster.SendAsync("lab.ok", [], new { countdown = 2 });

        LoggedRun waiting = Assert.Single(await watch.Log.UntilAsync(id, "Queued"));
        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Completed"));

        Assert.NotNull(waiting.Eta);
        Assert.Equal(waiting.Eta, run.Eta);
        Assert.True(run.Started >= run.Eta - ClockSlack, run.ToString());
    }

    [Fact]
    [Trait("row", "102")]
    public async Task A_run_of_a_second_queue_shows_that_queue_and_its_worker()
    {
        string id = await watch.Cluster.SendAsync("lab.ok", [], new { queue = "second" });

        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Completed"));

        Assert.Equal("second", run.Text("queue"));
        Assert.Equal("w2@lab", run.Text("worker"));
        Assert.Equal("'fine'", run.Text("result"));
        Assert.Contains(await watch.Log.ListAsync("queue=second&state=SUCCESS"), listed => listed.Id == id);
    }

    [Fact]
    [Trait("row", "51")]
    [Trait("row", "84")]
    [Trait("row", "103")]
    public async Task A_worker_that_is_killed_goes_offline_and_its_run_is_lost()
    {
        await using CeleryWorker doomed = await watch.Cluster.StartWorkerAsync(
            new CeleryWorkerOptions { Name = "doomed@lab", Queues = "doomed", HeartbeatSeconds = 1 });
        string id = await watch.Cluster.SendAsync("lab.sleep", [600], new { queue = "doomed" });
        await watch.Log.UntilAsync(id, "Running");
        await Eventually.HoldsAsync("the worker is online", async () => await IsOnlineAsync(doomed.Name) == true);

        await doomed.KillAsync();

        await Eventually.HoldsAsync("the worker is offline", async () => await IsOnlineAsync(doomed.Name) == false);
        LoggedRun run = Assert.Single(await watch.Log.UntilAsync(id, "Lost"));
        Assert.Equal("worker gone", run.Text("reason"));
        Assert.NotNull(run.Finished);
        Assert.True(await IsOnlineAsync("w1@lab"));
    }

    [Fact]
    public async Task A_worker_that_sends_no_events_is_asked_to()
    {
        await using CeleryWorker silent = await watch.Cluster.StartWorkerAsync(
            new CeleryWorkerOptions { Name = "silent@lab", Queues = "silent", Events = false, Pool = "solo" });
        await Eventually.HoldsAsync("it was asked", () => silent.Log.Contains("enable_events", StringComparison.Ordinal)
            || silent.Log.Contains("Events of group {task} enabled", StringComparison.Ordinal));

        string id = await watch.Cluster.SendAsync("lab.ok", [], new { queue = "silent" });

        Assert.Equal("silent@lab", (await watch.Log.UntilAsync(id, "Completed"))[0].Text("worker"));
    }

    async Task<bool?> IsOnlineAsync(string worker)
    {
        JsonNode answer = await watch.Log.GetAsync("/api/v1/workers");
        JsonArray workers = answer["items"]!.AsArray();
        return workers.SingleOrDefault(one => one!["worker"]!.GetValue<string>() == worker)?["online"]?.GetValue<bool>();
    }
}
