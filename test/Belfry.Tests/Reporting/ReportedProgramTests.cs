using Belfry.Testing;

namespace Belfry.Tests.Reporting;

/// <summary>A program that reports a function and ends in its midst: <c>test/Belfry.Errands --report</c>.</summary>
public sealed class ReportedProgramTests : IDisposable
{
    const int Interrupt = 2, Kill = 9;

    static readonly string Errands = Path.Combine(
        Machine.Root, "test", "Belfry.Errands", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "Belfry.Errands");

    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("row", "3")]
    public async Task A_program_that_exits_with_0_in_the_midst_of_a_function_is_no_success()
    {
        Finished done = await ChildProcess.RunAsync(Errands, ["--report", "exit", _folder.Path]);
        Assert.Equal(0, done.Code);
        TaskRun run = await RunAsync();
        Assert.Equal((RunState.Cancelled, "the process ended"), (run.State, run.Reason));
    }

    [Fact]
    [Trait("row", "3")]
    public async Task Ctrl_C_is_no_success()
    {
        // Whoever runs these tests in the background of a shell has told all their children to ignore it.
        await using ChildProcess program = ChildProcess.Start("env", ["--default-signal=INT", Errands, "--report", "wait", _folder.Path]);
        await program.LineAsync(line => line == "at work");
        program.Signal(Interrupt);
        Assert.NotEqual(0, await program.ExitAsync());
        TaskRun run = await RunAsync();
        Assert.Equal((RunState.Cancelled, "interrupted"), (run.State, run.Reason));
    }

    [Fact]
    [Trait("row", "3")]
    [Trait("row", "50")]
    public async Task A_function_whose_process_was_killed_is_lost_when_it_is_reported_the_next_time()
    {
        await using (ChildProcess program = ChildProcess.Start(Errands, ["--report", "wait", _folder.Path]))
        {
            await program.LineAsync(line => line == "at work");
            await Eventually.HoldsAsync("its start is written", () => File.ReadAllText(_folder.File("events.csv")).Contains("started", StringComparison.Ordinal));
            program.Signal(Kill);
            await program.ExitAsync();
        }
        await ChildProcess.RunAsync(Errands, ["--report", "quietly", _folder.Path]);
        await using CsvLog log = CsvLog.Open(_folder.Path, new MemoryLogOptions(), TimeProvider.System);
        IReadOnlyList<TaskRun> runs = await log.ListAsync(RunQuery.Where(RunFields.Task == "import") with { OldestFirst = true }, TestContext.Current.CancellationToken);
        Assert.Equal([(RunState.Lost, "worker gone"), (RunState.Failed, null)], runs.Select(run => (run.State, run.Reason)));
    }

    [Fact]
    [Trait("row", "2")]
    public async Task A_failure_is_an_exception_of_the_program_or_by_option_its_exit_code()
    {
        Finished loud = await ChildProcess.RunAsync(Errands, ["--report", "loudly", _folder.Path]);
        Assert.Contains("no prices today", loud.Errors, StringComparison.Ordinal);
        Assert.True(loud.Code > 1);
        Assert.Equal(RunState.Failed, (await RunAsync()).State);
        Finished quiet = await ChildProcess.RunAsync(Errands, ["--report", "quietly", _folder.Path]);
        Assert.Equal((1, ""), (quiet.Code, quiet.Errors));
    }

    async Task<TaskRun> RunAsync()
    {
        await using CsvLog log = CsvLog.Open(_folder.Path, new MemoryLogOptions(), TimeProvider.System);
        return Assert.Single(await log.ListAsync(RunQuery.Where(RunFields.Task == "import"), TestContext.Current.CancellationToken));
    }
}
