using System.Collections.Concurrent;
using Belfry.Storage.Definitions;
using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Belfry.Conditions;

namespace Belfry.Storage.Tests;

/// <summary>The book of tasks, and what a scheduler remembers by it and by its log: on both engines.</summary>
public abstract class TaskBookTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "45")]
    public async Task A_task_that_is_registered_again_keeps_its_first_instant_and_what_people_switched()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        using var book = new TaskBook(log);
        BookedTask load = Task("load", 100), send = Task("send", 100);
        Assert.Equal([load, send], await book.RegisterAsync([load, send], Cancel));
        Assert.True(await book.DisableAsync("load", true, Cancel));
        Assert.False(await book.DisableAsync("nobody", true, Cancel));
        Assert.Equal([load with { Start = "hourly", Seen = new Instant(200), IsDisabled = true }], await book.RegisterAsync([load with { Start = "hourly", Registered = new Instant(200), Seen = new Instant(200) }], Cancel));
        await book.SeenAsync("app-1@host", new Instant(300), Cancel);
        Assert.Equal([300, 300], (await book.ListAsync(Cancel)).Select(task => task.Seen.Micros));
    }

    [Fact]
    [Trait("row", "63")]
    public async Task What_is_switched_has_a_number_that_counts_up()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        using TaskBook book = new(log), other = new(log);
        await book.RegisterAsync([Task("load", 100)], Cancel);
        TaskSwitches before = await other.SwitchesAsync(Cancel);
        Assert.Equal((false, 0), (before.IsOnHold, before.Disabled.Count));
        await book.HoldAsync(true, Cancel);
        await book.DisableAsync("load", false, Cancel);
        TaskSwitches after = await other.SwitchesAsync(Cancel);
        Assert.Equal((before.Number + 2, true, false), (after.Number, after.IsOnHold, after.Disabled["load"]));
    }

    [Fact]
    public async Task Runs_that_are_to_end_stand_there_for_a_minute()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        using TaskBook book = new(log), other = new(log);
        Instant now = Instant.Now(TimeProvider.System);
        await book.StopAsync("a", "revoked", now, Cancel);
        await book.StopAsync("b", "because", now + TimeSpan.FromSeconds(50), Cancel);
        Assert.Equal([("a", "revoked"), ("b", "because")], (await other.StopsAsync(Cancel)).Select(stop => (stop.Key, stop.Value)).Order());
        await book.StopAsync("c", "revoked", now + TimeSpan.FromSeconds(70), Cancel);
        Assert.Equal(["b", "c"], (await other.StopsAsync(Cancel)).Keys.Order());
    }

    [Fact]
    public async Task What_another_process_has_at_work_is_revoked_whether_it_was_called_or_scheduled()
    {
        await using LogStore store = await NewStoreAsync();
        async Task Wait(CancellationToken stop) => await System.Threading.Tasks.Task.Delay(Timeout.Infinite, stop);
        await using var worker = new Host(belfry =>
        {
            belfry.UseStore(StoreUrl.Parse(store.FullUrl));
            belfry.AddTask("scheduled", Daily, Wait);
            belfry.AddTask("called", Never, Wait);
        });
        await worker.StartAsync();
        await using var office = new Host(belfry =>
        {
            belfry.UseStore(StoreUrl.Parse(store.FullUrl));
            belfry.Options.ProcessName = "office";
            (belfry.Options.CallsAtOnce, belfry.Options.QueueLimits["default"]) = (1, 0);
            belfry.AddTask("called", Never, () => { });
        });
        string called = await office.Client.CallAsync("called", cancel: Cancel), scheduled = "";
        await Eventually.HoldsAsync("both are at work", async () =>
        {
            scheduled = (await office.Log.FirstAsync(RunQuery.Where(RunFields.Task == "scheduled", RunFields.State == RunState.Running), Cancel))?.Id ?? "";
            return scheduled.Length > 0 && await office.Log.FirstAsync(RunQuery.Where(RunFields.Id == called, RunFields.State == RunState.Running), Cancel) is not null;
        });
        Assert.True(await office.Client.RevokeAsync(called, Cancel));
        Assert.True(await office.Client.RevokeAsync(scheduled, Cancel));
        await Eventually.HoldsAsync("both are revoked", async () => (await office.Log.ListAsync(RunQuery.Where(RunFields.State == RunState.Cancelled, RunFields.Reason == "revoked"), Cancel)).Count == 2);
        Assert.False(await office.Client.RevokeAsync(called, Cancel));
        Assert.False(await office.Client.RevokeAsync("nothing", Cancel));
    }

    [Fact]
    [Trait("row", "50")]
    [Trait("row", "46")]
    public async Task What_one_process_did_and_was_told_the_next_one_knows()
    {
        await using LogStore store = await NewStoreAsync();
        var ran = new ConcurrentQueue<string>();
        void Tasks(BelfryBuilder belfry)
        {
            belfry.UseStore(StoreUrl.Parse(store.FullUrl));
            belfry.AddTask("once", Daily, () => ran.Enqueue("once"));
            belfry.AddTask("off", Every("10 ms"), () => ran.Enqueue("off"));
            belfry.AddTask("then", AfterSuccess("once"), () => ran.Enqueue("then"));
        }
        await using (var first = new Host(Tasks))
        {
            await first.Scheduler.StartAsync(Cancel);
            await Eventually.HoldsAsync("all have run", () => ran.Contains("off") && ran.Contains("then"));
            await first.Scheduler.DisableAsync("off");
            await first.Scheduler.HoldAsync();
        }
        int before = ran.Count;
        await using var second = new Host(Tasks);
        await second.Scheduler.StartAsync(Cancel);
        await Eventually.HoldsAsync("it is at work", () => second.Scheduler.IsAtWork);
        Assert.True((await second.Scheduler.TaskAsync("off"))!.IsDisabled);
        await second.Scheduler.ReleaseAsync();
        await second.Scheduler.RunNowAsync("then");
        await Eventually.HoldsAsync("it ran as ordered", () => ran.Count > before);
        Assert.Equal("then", ran.Last());
        Assert.Equal(before + 1, ran.Count);
        Assert.Equal("daily", (await second.Book.ListAsync(Cancel)).Single(task => task.Name == "once").Start);
    }

    [Fact]
    public async Task A_task_is_forecast_from_the_store_alone()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        using var book = new TaskBook(log);
        BookedTask report = Task("report", 100) with { Start = "daily after 10:00 & after task 'load' & when 'it rains'", Options = """{"timeZone":"Europe/Berlin","disabled":true}""" };
        await book.RegisterAsync([report, Task("load", 100) with { Start = "cron 0 6 * * *" }], Cancel);
        Instant noon = Instant.From(new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero));
        TaskEvent start = new() { Source = "local", Id = "1", Kind = EventKind.Started, At = noon, Task = "load", Attempt = 1 };
        await log.AppendAsync([start, start with { Kind = EventKind.Succeeded }], Cancel);
        TaskForecast forecast = (await Forecasts.OfAsync("report", book, log.Queries, noon, Cancel))!;
        Assert.Equal((true, "it rains"), (forecast.IsDisabled, Assert.Single(forecast.Unknown)));
        Assert.Equal([true, true, false], forecast.Why().Parts.Select(part => part.Holds));
        Assert.Contains("'load' succeeded last at 2026-06-01 14:00:00 +02:00", forecast.Why().ToString(), StringComparison.Ordinal);
        IReadOnlyList<Instant> next = (await Forecasts.OfAsync("load", book, log.Queries, noon, Cancel))!.Next(3);
        Assert.Equal(["2026-06-02T06:00:00.000000Z", "2026-06-03T06:00:00.000000Z", "2026-06-04T06:00:00.000000Z"], next.Select(at => at.ToString()));
        Assert.Null(await Forecasts.OfAsync("nobody", book, log.Queries, noon, Cancel));
    }

    [Fact]
    [Trait("row", "48")]
    public async Task An_application_without_a_server_clears_its_log_by_a_task()
    {
        await using LogStore store = await NewStoreAsync();
        await using var host = new Host(belfry =>
        {
            belfry.UseStore(StoreUrl.Parse(store.FullUrl), options => options.Retention = new RetentionPolicy { Count = 2 });
            belfry.AddTask("often", Every("5 ms"), () => { });
        });
        await host.Scheduler.StartAsync(Cancel);
        await Eventually.HoldsAsync("it ran often", async () => await CountAsync("often") > 10);
        await host.Scheduler.DisableAsync("often");
        string round = await host.Scheduler.RunNowAsync(StorageVerbs.RetentionTask);
        await Eventually.HoldsAsync("the round is over", async () => await host.Log.CountAsync(RunQuery.Where(RunFields.Id == round, RunFields.State == RunState.Completed), Cancel) == 1);
        Assert.InRange(await CountAsync("often"), 1, 3);

        Task<long> CountAsync(string task) => host.Log.CountAsync(RunQuery.Where(RunFields.Task == task), Cancel);
    }

    protected abstract Task<LogStore> NewStoreAsync();

    static BookedTask Task(string name, long at) => new()
    {
        Name = name, Source = "local", Start = "daily", Options = "{}", Parameters = "[]", Process = "app-1@host", Registered = new Instant(at), Seen = new Instant(at),
    };

    sealed class Host(Action<BelfryBuilder> tasks) : IAsyncDisposable
    {
        readonly ServiceProvider _services = new ServiceCollection().AddBelfry(tasks).BuildServiceProvider();

        public Scheduler Scheduler => _services.GetRequiredService<Scheduler>();

        public IRunLogStore Log => _services.GetRequiredService<IRunLogStore>();

        public ITaskBook Book => _services.GetRequiredService<ITaskBook>();

        public IBelfryClient Client => _services.GetRequiredService<IBelfryClient>();

        /// <summary>Schedules, and executes what is called.</summary>
        public async Task StartAsync()
        {
            foreach (IHostedService service in _services.GetServices<IHostedService>())
            {
                await service.StartAsync(Cancel);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (IHostedService service in _services.GetServices<IHostedService>().Reverse())
            {
                await service.StopAsync(Cancel);
            }
            await _services.DisposeAsync();
        }
    }
}

/// <summary>The book on SQLite.</summary>
public sealed class SqliteTaskBookTests : TaskBookTests
{
    protected override Task<LogStore> NewStoreAsync() => System.Threading.Tasks.Task.FromResult<LogStore>(new LogFolder());
}

/// <summary>The book on PostgreSQL.</summary>
public sealed class PostgresTaskBookTests(PostgresFixture postgres) : TaskBookTests
{
    protected override Task<LogStore> NewStoreAsync() => postgres.NewStoreAsync();
}
