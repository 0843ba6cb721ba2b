namespace Belfry.Tests.Logs;

public sealed class MemoryLogTests : RunLogStoreTests
{
    [Fact]
    [Trait("row", "48")]
    public async Task The_oldest_ended_runs_go_first_and_the_last_of_each_kind_never()
    {
        await using var log = new MemoryLog(new MemoryLogOptions { MostRuns = 50 }, TimeProvider.System);
        await log.AppendAsync([.. Run("rare", 0, EventKind.Succeeded), .. Run("load", 1, EventKind.Failed), Start("open", 2)], Cancel);
        foreach (int n in Enumerable.Range(3, 500))
        {
            await log.AppendAsync(Run("load", n, EventKind.Succeeded), Cancel);
        }
        Assert.InRange(await log.CountAsync(new RunQuery(), Cancel), 50, 65);
        Assert.NotNull(await log.LastAsync("rare", RunAction.Succeeded, Cancel));
        Assert.Equal("load-1", (await log.LastAsync("load", RunAction.Failed, Cancel))!.Id);
        Assert.Equal(1, await log.CountAsync(RunQuery.Where(RunFields.State == RunState.Running), Cancel));
        Assert.Equal("load-502", (await log.LastAsync(RunQuery.Where(RunFields.Task == "load"), Cancel))!.Id);
    }

    [Fact]
    public async Task A_late_event_finds_its_run_also_when_its_events_are_forgotten()
    {
        await using var log = new MemoryLog(TimeProvider.System);
        await log.AppendAsync(Run("load", 0, EventKind.Lost), Cancel);
        await log.AppendAsync([.. Enumerable.Range(1, 10_001).SelectMany(n => Run("load", n, EventKind.Succeeded))], Cancel);
        await log.AppendAsync([Start("load", 0) with { Kind = EventKind.Succeeded, At = Minute(9), Result = "7" }], Cancel);
        TaskRun run = (await log.ListAsync(RunQuery.Where(RunFields.Id == "load-0"), Cancel)).Single();
        Assert.Equal((RunState.Completed, Minute(0), "7"), (run.State, run.Started, run.Result));
    }

    protected override Task<IRunLogStore> OpenAsync() => Task.FromResult<IRunLogStore>(new MemoryLog(TimeProvider.System));
}
