using Belfry.Testing;
using Belfry.Tests.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Reporting;

public sealed class StatusReporterTests : IAsyncDisposable
{
    readonly BreakableLog _log = new();
    ServiceProvider? _services;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    StatusReporter TaskStatus => Services().GetRequiredService<StatusReporter>();

    public ValueTask DisposeAsync() => _services?.DisposeAsync() ?? default;

    [Fact]
    [Trait("row", "1")]
    public async Task A_function_is_reported_under_a_name_with_its_times_and_outcome()
    {
        await TaskStatus.ReportAsync("import", async () => await Task.Yield());
        TaskRun run = await EndedAsync("import");
        Assert.Equal((RunState.Completed, "local", 1), (run.State, run.Source, run.Attempt));
        Assert.True(run.Started <= run.Finished);
        Assert.NotNull(run.Runtime);
        Assert.Contains($"-{Environment.ProcessId}@", run.Worker, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "1")]
    public async Task The_name_is_by_default_that_of_the_function_or_of_its_mark()
    {
        static void Local()
        {
        }

        await TaskStatus.ReportAsync(ImportPricesAsync);
        await TaskStatus.ReportAsync(Export);
        await TaskStatus.ReportAsync(Local);
        await EndedAsync("ImportPricesAsync");
        await EndedAsync("export_prices");
        await EndedAsync("Local");
        await Assert.ThrowsAsync<ArgumentException>(() => TaskStatus.ReportAsync(() => { }));
    }

    [Fact]
    [Trait("row", "2")]
    public async Task A_failure_is_reported_with_its_place_and_reaches_the_caller()
    {
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => TaskStatus.ReportAsync("import", ImportPricesFailAsync));
        Assert.Equal("no prices today", thrown.Message);
        TaskRun run = await EndedAsync("import");
        Assert.Equal((RunState.Failed, "System.InvalidOperationException: no prices today"), (run.State, run.Exception));
        Assert.Matches(@"StatusReporterTests\.ImportPricesFailAsync\(\) in .*StatusReporterTests\.cs:line \d+", run.Traceback);
    }

    [Fact]
    [Trait("row", "2")]
    public async Task A_failure_becomes_the_exit_code_by_option()
    {
        Services(options => options.ReportedFailures = ReportedFailures.ExitCode);
        int before = Environment.ExitCode;
        try
        {
            Assert.Equal(0, await TaskStatus.ReportAsync("import", int () => throw new InvalidOperationException("no prices today")));
            Assert.Equal(1, Environment.ExitCode);
        }
        finally
        {
            Environment.ExitCode = before;
        }
        Assert.Equal(RunState.Failed, (await EndedAsync("import")).State);
    }

    [Fact]
    [Trait("row", "3")]
    public async Task Cancellation_is_never_success()
    {
        await Assert.ThrowsAsync<TaskCanceledException>(() => TaskStatus.ReportAsync("import", () => Task.Delay(1, new CancellationToken(canceled: true))));
        Assert.Equal((RunState.Cancelled, "cancelled"), (await EndedAsync("import")) is var run ? (run.State, run.Reason) : default);
    }

    [Fact]
    [Trait("row", "2")]
    public async Task What_took_too_long_for_the_function_itself_is_a_failure_though_NET_calls_it_a_cancellation()
    {
        var late = new TaskCanceledException("the request was canceled", new TimeoutException("nobody answered")); // as HttpClient throws it
        await Assert.ThrowsAsync<TaskCanceledException>(() => TaskStatus.ReportAsync("import", Task () => throw late));
        TaskRun run = await EndedAsync("import");
        Assert.Equal((RunState.Failed, "System.Threading.Tasks.TaskCanceledException: the request was canceled"), (run.State, run.Exception));
    }

    [Fact]
    [Trait("row", "4")]
    public async Task A_part_of_the_work_is_a_failure_that_keeps_what_there_is()
    {
        await Assert.ThrowsAsync<PartialCompletionException>(() => TaskStatus.ReportAsync("import", void () => throw new PartialCompletionException("3 of 5 files", 3)));
        Assert.Equal((RunState.Failed, "3"), (await EndedAsync("import")) is var run ? (run.State, run.Result) : default);
    }

    [Fact]
    [Trait("row", "5")]
    public async Task What_a_function_returns_comes_out_unchanged()
    {
        var prices = new List<int> { 1, 2 };
        Assert.Same(prices, await TaskStatus.ReportAsync("import", () => prices));
        Assert.Same(prices, await TaskStatus.ReportAsync("import", () => Task.FromResult(prices)));
        Assert.Equal("[1,2]", (await EndedAsync("import")).Result);
        Assert.Same(TaskStatus, await TaskStatus.ReportAsync("unwritable", () => TaskStatus));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("row", "6")]
    public async Task A_log_that_refuses_or_never_answers_neither_fails_nor_delays_a_function(bool refuses)
    {
        var answers = new TaskCompletionSource();
        (_log.IsBroken, _log.Open) = (refuses, refuses ? Task.CompletedTask : answers.Task);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(i, await TaskStatus.ReportAsync("import", () => i));
        }
        _log.IsBroken = false;
        answers.SetResult();
        await Eventually.HoldsAsync("all reports are in the log", async () =>
            await _log.CountAsync(RunQuery.Where(RunFields.Task == "import", RunFields.State == RunState.Completed), Cancel) == 1000);
    }

    [Fact]
    [Trait("row", "9")]
    public async Task The_latest_of_a_task_are_its_last_run_success_and_failure()
    {
        LatestRuns latest = Services().GetRequiredService<LatestRuns>();
        Assert.Equal(new LatestRun("import", null, null, null), await latest.OfAsync("import", Cancel));
        await TaskStatus.ReportAsync("import", () => 1);
        await Assert.ThrowsAsync<InvalidOperationException>(() => TaskStatus.ReportAsync("import", ImportPricesFailAsync));
        await Assert.ThrowsAsync<TaskSkippedException>(() => TaskStatus.ReportAsync("import", void () => throw new TaskSkippedException()));
        await Eventually.HoldsAsync("three runs have ended", async () => (await RunsAsync("import")).Count(run => run.State.IsFinal()) == 3);
        LatestRun row = Assert.Single(await latest.AllAsync(Cancel), row => row.Task == "import");
        Assert.Equal((RunState.Skipped, RunState.Completed, RunState.Failed), (row.State, row.Success?.State, row.Failure?.State));
        Assert.True(row.Run?.Started >= row.Failure?.Started && row.Failure?.Started >= row.Success?.Started);
    }

    [Fact]
    [Trait("row", "6")]
    public async Task What_waits_is_written_before_the_program_ends()
    {
        await TaskStatus.ReportAsync("import", () => 1);
        await _services!.DisposeAsync();
        Assert.Equal(RunState.Completed, Assert.Single(await RunsAsync("import")).State);
    }

    ServiceProvider Services(Action<BelfryOptions>? options = null) => _services ??= new ServiceCollection().AddSingleton<IRunLogStore>(_log).AddLogging().AddBelfry(belfry =>
    {
        belfry.AddTask("import", Never, () => { });
        options?.Invoke(belfry.Options);
    }).BuildServiceProvider();

    async Task<IReadOnlyList<TaskRun>> RunsAsync(string task) => await _log.ListAsync(RunQuery.Where(RunFields.Task == task), Cancel);

    Task<TaskRun> EndedAsync(string task) =>
        Eventually.GetAsync($"{task} has ended", async () => await RunsAsync(task) is [var run, ..] && run.State.IsFinal() ? run : null);

    static Task ImportPricesAsync() => Task.CompletedTask;

    static async Task ImportPricesFailAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("no prices today");
    }

    [BelfryTask("export_prices")]
    static void Export()
    {
    }
}
