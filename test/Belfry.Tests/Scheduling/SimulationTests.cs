using System.Diagnostics;

namespace Belfry.Tests.Scheduling;

public sealed class SimulationTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 60, 30)]
    [InlineData(2, 60, 30)]
    [Trait("row", "50")]
    [Trait("row", "52")]
    public Task Weeks_of_tasks_go_as_a_naive_scheduler_would_have_it(int seed, int tasks, int days) => CompareAsync(new World(seed, tasks, days));

    [Fact]
    [Trait("row", "32")]
    [Trait("row", "65")]
    public async Task A_year_of_200_tasks_with_retries_downtime_and_crashes_goes_as_a_naive_scheduler_would_have_it_in_less_than_a_minute() =>
        Assert.InRange(await CompareAsync(new World(7, 200, 365)), TimeSpan.Zero, TimeSpan.FromMinutes(1));

    static async Task<TimeSpan> CompareAsync(World world)
    {
        await using var log = new MemoryLog(new MemoryLogOptions { MostRuns = int.MaxValue / 2, Age = TimeSpan.FromDays(3650), FailureAge = TimeSpan.FromDays(3650) }, TimeProvider.System);
        var process = new SimulatedProcess(world, log);
        long began = Stopwatch.GetTimestamp();
        await process.PlayAsync();
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        IReadOnlyList<TaskRun> runs = await log.ListAsync(new RunQuery(), Cancel);
        Dictionary<string, Instant> first = runs.GroupBy(run => run.Id).ToDictionary(group => group.Key, group => group.Min(run => run.Started!.Value));
        List<Told> real = InOrder(runs.Select(run => new Told(run.Task!, first[run.Id], run.Attempt, run.Started!.Value, run.Finished, run.State)));
        List<Told> naive = InOrder(new NaiveScheduler(world).Play());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{real.Count} attempts, {real.Count(run => run.Attempt > 1)} of them again, {real.Count(run => run.State == RunState.Lost)} lost, {process.Turns} turns in {took}");
        for (int i = 0; i < Math.Min(real.Count, naive.Count); i++)
        {
            Assert.True(real[i] == naive[i], Difference(world, real, naive, i));
        }
        Assert.Equal(naive.Count, real.Count);
        return took;
    }

    /// <summary>The first run that differs, with what both models tell of its task around it.</summary>
    static string Difference(World world, List<Told> real, List<Told> naive, int at)
    {
        Told odd = real[at].Started <= naive[at].Started ? real[at] : naive[at];
        TaskDefinition task = world.Tasks.Single(task => task.Name == odd.Task);
        string Of(List<Told> told) => string.Join(
            '\n', told.Where(run => run.Task == odd.Task && run.Started >= odd.Started - TimeSpan.FromDays(1)).Take(8).Select(run => $"  {run.Started} #{run.Attempt} {run.State} {run.Ended}"));
        return $"{task.Name}: {task.Start}, {task.Options.Overlap}, {task.Options.Crash}, catch up {task.Options.CatchUp}, misfire {task.Options.Misfire}\n{Of(real)}\nnaive:\n{Of(naive)}\n"
            + string.Join('\n', world.Outages.Where(outage => outage.At <= odd.Started + TimeSpan.FromDays(2)).TakeLast(3));
    }

    static List<Told> InOrder(IEnumerable<Told> runs) => [.. runs.OrderBy(run => run.Started).ThenBy(run => run.Task).ThenBy(run => run.Attempt)];
}
