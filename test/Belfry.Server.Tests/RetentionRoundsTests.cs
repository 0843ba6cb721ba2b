using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Server.Tests;

/// <summary>The server clears its log once an hour, whether events come or not, and logs that it did.</summary>
public sealed class RetentionRoundsTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "107")]
    public async Task A_round_comes_soon_after_the_start_and_then_every_hour_without_any_traffic_and_is_a_run_of_the_log()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));
        RetentionPolicy policy = new RetentionSettings { Age = TimeSpan.FromDays(2) }.ToPolicy();
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse("sqlite://" + folder.File("log.db")), new RunLogOptions { Retention = policy }, clock, NullLoggerFactory.Instance, Cancel);
        Instant begin = Instant.Now(clock);
        // The oldest is refused at once, the one before it is too old in five minutes.
        await log.AppendAsync([.. Enumerable.Range(0, 50).Select(n => Ended($"run-{n}", begin - TimeSpan.FromHours(n)))], Cancel);
        using var rounds = new RetentionRounds(log, policy, clock, NullLogger<RetentionRounds>.Instance);
        await rounds.StartAsync(Cancel);
        while (!clock.HasTimer)
        {
            await Task.Delay(5, Cancel); // a hosted service begins on a thread of its own
        }
        Assert.Empty(await RoundsAsync(log));
        clock.Advance(RetentionRounds.First);
        TaskRun first = (await RoundsAsync(log, 1))[0];
        Assert.Equal((RunState.Completed, "{\"deleted\": 1, \"keys\": 0, \"minutes\": 0, \"hours\": 0}"), (first.State, first.Result));
        Assert.Equal((RetentionRounds.Source, 1), (first.Source, first.Attempt));
        clock.Advance(RetentionRounds.Every);
        TaskRun second = (await RoundsAsync(log, 2))[0];
        Assert.Equal("{\"deleted\": 1, \"keys\": 0, \"minutes\": 0, \"hours\": 0}", second.Result);
        Assert.Equal(RetentionRounds.Every, second.Started!.Value - first.Started!.Value);
        Assert.Equal(47, (await log.Queries.CountAsync(new RunFilter { Tasks = ["t"] }, 100, null, Cancel)).Runs);
        await rounds.StopAsync(Cancel);
    }

    [Fact]
    public async Task A_log_that_takes_no_events_does_not_end_the_rounds()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("sqlite://" + folder.File("log.db")), new RunLogOptions(), clock, NullLoggerFactory.Instance, Cancel);
        using var rounds = new RetentionRounds(log, RetentionPolicy.KeepAll, clock, NullLogger<RetentionRounds>.Instance);
        await rounds.StartAsync(Cancel);
        await log.DisposeAsync(); // as one whose file is damaged at its end, it refuses
        await clock.AdvanceWhenAskedAsync(RetentionRounds.First);
        await clock.AdvanceWhenAskedAsync(RetentionRounds.Every);
        Assert.False(rounds.ExecuteTask!.IsCompleted);
        await rounds.StopAsync(Cancel);
    }

    [Fact]
    [Trait("row", "108")]
    public async Task Switched_off_nothing_is_captured_and_the_pages_and_the_doctor_say_so()
    {
        await using ServerHost server = await ServerHost.StartAsync(change: settings =>
        {
            settings.Sources.Add(new Belfry.Server.Sources.SourceSettings { Broker = "redis://127.0.0.1:1/0" });
            settings.Log.Enabled = settings.Admin.Captures = false;
        });
        await server.AppendAsync(Ended("run", Instant.Now(TimeProvider.System)));
        Assert.Empty((await server.JsonAsync("/api/v1/runs")).GetProperty("items").EnumerateArray());
        Assert.Empty(await server.Log.Queries.SourcesAsync(Cancel));
        string page = await (await server.GetAsync("/health")).Content.ReadAsStringAsync(Cancel);
        Assert.Contains("nothing is captured: Log:Enabled is false", page);
        var settings = new BelfrySettings { Store = "memory:" };
        settings.Log.Enabled = false;
        Assert.Contains(await new Doctor(settings, TimeProvider.System).ExamineAsync(Cancel), found => found.Facts == "nothing is captured");
    }

    [Fact]
    [Trait("row", "106")]
    public async Task An_application_has_the_name_that_stands_before_tasks_unless_it_is_shown_under_another()
    {
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Apps["Standings"] = ["standings_requests", "standings"]);
        Instant now = Instant.Now(TimeProvider.System);
        await server.AppendAsync(
            Ended("1", now) with { Task = "standings_requests.tasks.update" }, Ended("2", now) with { Task = "shop.orders.tasks.import" }, Ended("3", now) with { Task = "one.two" },
            Ended("4", now) with { Task = "one.two.three" }, Ended("5", now) with { Task = "x", App = "standings" });
        Assert.Equal("Standings", (await server.JsonAsync("/api/v1/runs?q=id:1")).GetProperty("items")[0].GetProperty("app").GetString());
        Assert.Equal(["1", "5"], await IdsAsync(server, "Standings"));
        Assert.Equal(["2"], await IdsAsync(server, "orders"));
        Assert.Equal(["3"], await IdsAsync(server, "one"));
        Assert.False((await server.JsonAsync("/api/v1/runs?q=id:4")).GetProperty("items")[0].TryGetProperty("app", out _));
    }

    [Theory]
    [InlineData("""{ "Retention": { "Age": "a month" } }""", "Retention:Age")]
    [InlineData("""{ "Retention": { "Age": "-3d" } }""", "Retention:Age")]
    [InlineData("""{ "Retention": { "FailureAge": "0s" } }""", "Retention:FailureAge")]
    [InlineData("""{ "Retention": { "Count": 0 } }""", "Retention:Count")]
    [InlineData("""{ "Retention": { "Count": "some" } }""", "Retention:Count")]
    [InlineData("""{ "Log": { "Enabled": "perhaps" } }""", "Log:Enabled")]
    [InlineData("""{ "Apps": "Standings" }""", "Apps")]
    [InlineData("""{ "Apps": { "Standings": [] } }""", "Apps:Standings")]
    [InlineData("""{ "Apps": { "A": ["x"], "B": ["x"] } }""", "Apps:B")]
    [InlineData("""{ "Apps": { "A": [{"x": "y"}] } }""", "Apps:A")]
    [Trait("row", "106")]
    public async Task A_wrong_value_is_refused_by_its_key(string json, string key)
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("belfry.json"), json, Cancel);
        var wrong = Assert.Throws<SettingsException>(() => BelfrySettings.Load(folder.File("belfry.json"), []));
        Assert.Equal(key, wrong.Problems.Single().Key);
    }

    [Fact]
    public async Task Ages_are_read_as_people_write_them_and_empty_means_for_ever()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("belfry.json"), """{ "Retention": { "Age": "7d", "FailureAge": "", "Count": 1000 }, "Apps": { "Shop": ["orders", "stock"] } }""", Cancel);
        BelfrySettings settings = BelfrySettings.Load(folder.File("belfry.json"), []);
        Assert.Equal(new RetentionPolicy { Age = TimeSpan.FromDays(7), FailureAge = null, Count = 1000 }, settings.Retention.ToPolicy());
        Assert.Equal(["orders", "stock"], settings.Apps["Shop"]);
    }

    static TaskEvent Ended(string id, Instant at) => new() { Source = "s", Id = id, Kind = EventKind.Succeeded, At = at, Task = "t" };

    static async Task<List<string>> IdsAsync(ServerHost server, string app) =>
        [.. (await server.JsonAsync($"/api/v1/runs?app={app}")).GetProperty("items").EnumerateArray().Select(run => run.GetProperty("id").GetString()!).Order(StringComparer.Ordinal)];

    /// <summary>The rounds that have ended, newest first; waits for so many.</summary>
    static async Task<IReadOnlyList<TaskRun>> RoundsAsync(RunLog log, int wanted = 0)
    {
        while (true)
        {
            RunPage page = await log.Queries.PageAsync(new RunFilter { Tasks = [RetentionRounds.TaskName], States = [RunState.Completed] }, 10, null, null, Cancel);
            if (page.Items.Count >= wanted)
            {
                return page.Items;
            }
            await Task.Delay(20, Cancel);
        }
    }
}
