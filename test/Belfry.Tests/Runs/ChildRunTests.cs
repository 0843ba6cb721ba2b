using System.Diagnostics;
using System.Text.Json;
using Belfry.Testing;
using Microsoft.Extensions.Logging;
using static Belfry.Conditions;

namespace Belfry.Tests.Runs;

/// <summary>Runs in processes of their own; the program that is started is <c>test/Belfry.Errands</c>.</summary>
public sealed class ChildRunTests
{
    static readonly string Errands = Path.Combine(
        Machine.Root, "test", "Belfry.Errands", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "Belfry.Errands");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "36")]
    public async Task A_run_in_a_process_of_its_own_gets_its_parameters_and_gives_its_result()
    {
        await using Workshop workshop = Workshop("--mark", "?");
        RunOutcome outcome = await workshop.RunAsync("greet", """{"name":"Ida"}""");
        Assert.Equal((EventKind.Succeeded, "\"Hello Ida?\""), (outcome.Kind, outcome.Result));
        JsonElement where = (JsonElement)(await workshop.RunAsync("where")).Value!;
        Assert.NotEqual(Environment.ProcessId, where.GetProperty("process").GetInt32());
        Assert.Equal(JsonValueKind.Null, where.GetProperty("child").ValueKind); // programs that it starts are no children
        Assert.Equal(JsonValueKind.Null, where.GetProperty("input").ValueKind);
    }

    [Fact]
    public async Task An_application_that_brings_a_lifetime_of_its_own_starts_nothing_else_either()
    {
        await using Workshop workshop = Workshop("--own-lifetime");
        Assert.Equal("\"Hello Ida!\"", (await workshop.RunAsync("greet", """{"name":"Ida"}""")).Result);
    }

    [Fact]
    [Trait("row", "61")]
    public async Task What_a_task_returned_reaches_the_process_of_the_next()
    {
        await using Workshop workshop = Workshop();
        Assert.Contains("the return of 'make'", (await workshop.RunAsync("sum")).Exception, StringComparison.Ordinal);
        await workshop.RunAsync("make");
        Assert.Equal("6", (await workshop.RunAsync("sum")).Result);
    }

    [Fact]
    [Trait("row", "88")]
    public async Task Progress_and_context_come_through_the_pipe()
    {
        await using Workshop workshop = Workshop();
        RunOutcome outcome = await workshop.RunAsync("report");
        Assert.Equal((EventKind.Succeeded, null), (outcome.Kind, outcome.Exception));
        TaskEvent[] reports = [.. workshop.Reports];
        Assert.Equal((EventKind.Progress, "report", "run-1", 50.0, "half of it"), (reports[0].Kind, reports[0].Task, reports[0].Id, reports[0].Percent, reports[0].Text));
        Assert.Equal(new RunContext("prices", "daily", "7"), reports[1].Context);
    }

    [Fact]
    [Trait("row", "2")]
    public async Task A_failure_in_a_process_tells_class_message_and_place()
    {
        await using Workshop workshop = Workshop();
        RunOutcome outcome = await workshop.RunAsync("fail");
        Assert.Equal((EventKind.Failed, "System.InvalidOperationException: no prices today"), (outcome.Kind, outcome.Exception));
        Assert.Matches(@"^Errand\.Fail, Program\.cs:\d+$", outcome.Place);
        Assert.Contains("at Belfry.Errands.Errand.Fail()", outcome.Traceback, StringComparison.Ordinal);
        Assert.Equal((EventKind.Skipped, "nothing there"), (await workshop.RunAsync("skip")) is var skipped ? (skipped.Kind, skipped.Reason) : default);
        Assert.Contains("the result, a Ring, cannot be written as JSON", (await workshop.RunAsync("circle")).Exception, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [Trait("row", "3")]
    public async Task A_process_that_exits_is_no_success(int code)
    {
        await using Workshop workshop = Workshop();
        RunOutcome outcome = await workshop.RunAsync("exit", $$"""{"code":{{code}}}""");
        Assert.Equal((EventKind.Failed, false), (outcome.Kind, outcome.BeforeBody));
        Assert.Matches($@"^Belfry\.ProcessEnded: the process \d+ ended with code {code} before the task did: Environment\.Exit, or the end of the program$", outcome.Exception);
    }

    [Theory]
    [InlineData("die", 6)]
    [InlineData("kill", 9)]
    [Trait("row", "51")]
    public async Task A_process_that_dies_is_noticed_at_once_and_its_run_lost(string task, int signal)
    {
        await using Workshop workshop = Workshop();
        RunOutcome outcome = await workshop.RunAsync(task);
        Assert.Equal(EventKind.Lost, outcome.Kind);
        Assert.Matches($@"^worker gone: the process \d+ of the run was ended by signal {signal} \(", outcome.Reason);
    }

    [Fact]
    [Trait("row", "51")]
    public async Task A_process_that_is_killed_is_noticed_while_its_task_still_hangs()
    {
        await using Workshop workshop = Workshop();
        Task<RunOutcome> running = workshop.RunAsync("hang");
        using Process child = await ChildOfAsync(workshop);
        child.Kill();
        Assert.Equal(EventKind.Lost, (await running).Kind);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_body_in_a_process_obeys_its_cancellation()
    {
        await using Workshop workshop = Workshop();
        using var stop = new CancellationTokenSource();
        Task<RunOutcome> running = workshop.RunUntilAsync("obey", stop.Token);
        using Process child = await ChildOfAsync(workshop);
        await stop.CancelAsync();
        Assert.Equal((EventKind.Cancelled, "terminated"), (await running) is var outcome ? (outcome.Kind, outcome.Reason) : default);
        Assert.True(child.HasExited);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_process_that_ignores_its_timeout_is_killed()
    {
        var clock = new ManualClock();
        await using Workshop workshop = Workshop(clock);
        Task<RunOutcome> running = workshop.RunAsync("hang");
        using Process child = await ChildOfAsync(workshop);
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromMinutes(30));
        await clock.AdvanceWhenAskedAsync(RunLimit.Grace);
        RunOutcome outcome = await running;
        Assert.Equal((EventKind.Cancelled, "timeout"), (outcome.Kind, outcome.Reason));
        Assert.True(outcome.Released.IsCompleted);
        Assert.True(child.HasExited);
    }

    [Fact]
    [Trait("row", "37")]
    public async Task A_program_that_never_reads_what_it_is_to_do_is_killed_at_its_timeout()
    {
        var clock = new ManualClock();
        await using Workshop workshop = Workshop(["60"], clock, "sleep");
        Task<RunOutcome> running = workshop.RunAsync("greet", $$"""{"name":"{{new string('x', 1_000_000)}}"}""");
        await clock.AdvanceWhenAskedAsync(TimeSpan.FromMinutes(30));
        await clock.AdvanceWhenAskedAsync(RunLimit.Grace);
        RunOutcome outcome = await running.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
        Assert.Equal((EventKind.Cancelled, "timeout"), (outcome.Kind, outcome.Reason));
    }

    [Fact]
    public async Task A_process_that_lingers_after_its_outcome_does_no_harm()
    {
        await using Workshop workshop = Workshop();
        Assert.Equal((EventKind.Succeeded, "\"done\""), (await workshop.RunAsync("linger")) is var outcome ? (outcome.Kind, outcome.Result) : default);
    }

    [Fact]
    public async Task A_program_that_does_not_come_to_its_task_is_a_failure_that_says_so()
    {
        await using Workshop workshop = Workshop("--leave"), none = Workshop([], null, "no-such-program"), stranger = Workshop();
        RunOutcome left = await workshop.RunAsync("greet");
        Assert.Equal((EventKind.Failed, true), (left.Kind, left.BeforeBody));
        Assert.Contains("the program ended with code 7 before it came to run the task", left.Exception, StringComparison.Ordinal);
        RunOutcome missing = await none.RunAsync("greet");
        Assert.Equal((EventKind.Failed, true), (missing.Kind, missing.BeforeBody));
        Assert.Contains("the process of the run cannot be started", missing.Exception, StringComparison.Ordinal);
        stranger.Tasks.Add(TaskDefinition.Of("later", Never, () => { }, new TaskOptions { Execution = Execution.Process }));
        Assert.Contains("the process has no task 'later'", (await stranger.RunAsync("later")).Exception, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "40")]
    public async Task No_more_processes_are_at_work_than_allowed()
    {
        await using var workshop = Workshop(belfry => belfry.Options.MaxProcesses = 1);
        Task<RunOutcome> first = workshop.RunAsync("hang"), second = workshop.RunAsync("greet", """{"name":"Ida"}""");
        using Process child = await ChildOfAsync(workshop);
        Assert.False(second.IsCompleted);
        child.Kill();
        Assert.Equal(EventKind.Lost, (await first).Kind);
        Assert.Equal(EventKind.Succeeded, (await second).Kind);
    }

    [Fact]
    public void A_program_is_started_again_as_it_was()
    {
        Assert.Equal(["/usr/bin/dotnet", "app.dll", "--x"], ProgramCommand.Of("/usr/bin/dotnet", ["app.dll", "--x"]));
        Assert.Equal(["/opt/app", "--x"], ProgramCommand.Of("/opt/app", ["/opt/app.dll", "--x"]));
    }

    /// <summary>The child, which told its id as the text of its progress.</summary>
    static async Task<Process> ChildOfAsync(Workshop workshop)
    {
        await Eventually.HoldsAsync("the child reports", () => !workshop.Reports.IsEmpty);
        return Process.GetProcessById(int.Parse(workshop.Reports.First().Text!));
    }

    static Workshop Workshop(params string[] arguments) => Workshop(arguments, null, Errands);

    static Workshop Workshop(TimeProvider clock) => Workshop([], clock, Errands);

    static Workshop Workshop(Action<BelfryBuilder> more) => Workshop([], null, Errands, more);

    /// <summary>What its tasks do stands in the other program; here they have only their names, and what they take up.</summary>
    static Workshop Workshop(string[] arguments, TimeProvider? clock, string program, Action<BelfryBuilder>? more = null) => new(
        belfry =>
        {
            belfry.Options.Defaults.Execution = Execution.Process;
            belfry.Options.ProcessCommand = [program, .. arguments];
            foreach (string name in new[] { "greet", "where", "make", "report", "fail", "skip", "circle", "exit", "die", "kill", "obey", "hang", "linger" })
            {
                belfry.AddTask(name, Never, void () => throw new InvalidOperationException("this is not the place"));
            }
            belfry.AddTask("sum", Never, ([FromReturn("make")] int[] numbers) => numbers.Length);
            more?.Invoke(belfry);
        },
        clock: clock);
}
