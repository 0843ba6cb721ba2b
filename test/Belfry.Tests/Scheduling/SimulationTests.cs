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
    public Task A_year_of_200_tasks_with_retries_downtime_and_crashes_goes_as_a_naive_scheduler_would_have_it() => CompareAsync(new World(7, 200, 365));

    static async Task CompareAsync(World world)
    {
        await using MemoryLog log = SimulatedProcess.NewLog();
        await new SimulatedProcess(world, log).PlayAsync();
        IReadOnlyList<TaskRun> runs = await log.ListAsync(new RunQuery(), Cancel);
        Dictionary<string, Instant> first = runs.GroupBy(run => run.Id).ToDictionary(group => group.Key, group => group.Min(run => run.Started!.Value));
        List<Told> real = InOrder(runs.Select(run => new Told(run.Task!, first[run.Id], run.Attempt, run.Started!.Value, run.Finished, run.State)));
        List<Told> naive = InOrder(new NaiveScheduler(world).Play());
        for (int i = 0; i < Math.Min(real.Count, naive.Count); i++)
        {
            if (real[i] != naive[i])
            {
                Assert.Fail(Difference(world, real, naive, i));
            }
        }
        Assert.Equal(naive.Count, real.Count);
        Assert.True(real.Exists(run => run.Attempt > 1) && real.Exists(run => run.State == RunState.Lost)); // the world has what it is made for
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
