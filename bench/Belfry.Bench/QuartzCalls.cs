using Quartz;

namespace Belfry.Bench;

/// <summary>The same calls with Quartz: a job and a trigger that fires at once for each, in its store in memory. Neither queue nor log is on disk.</summary>
static class QuartzCalls
{
    static readonly TaskCompletionSource[] Done = [new()];
    static int s_left;

    /// <summary>What calling and executing took.</summary>
    public static async Task<Spent> RunAsync(int inFlight, int calls)
    {
        QuartzSchedulerBuilder builder = QuartzSchedulerBuilder.Create(quartz => quartz
            .UseDefaultThreadPool(10) // the best of 5 to 64 on two cores
            .UseInMemoryStore(store => store.MisfireThreshold = TimeSpan.FromMinutes(10))
            .ConfigureScheduler(options => (options.InstanceName, options.MaxBatchSize) = (Guid.NewGuid().ToString("n"), 10)));
        IScheduler scheduler = await builder.BuildScheduler();
        await scheduler.Start();
        await CallAsync(scheduler, inFlight, calls / 2); // compiles what is timed
        var watch = Watch.Start();
        await CallAsync(scheduler, inFlight, calls);
        Spent spent = watch.Stop(calls);
        await scheduler.Shutdown();
        return spent;
    }

    static async Task CallAsync(IScheduler scheduler, int inFlight, int calls)
    {
        int left = calls;
        (s_left, Done[0]) = (calls, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            for (int n; (n = Interlocked.Decrement(ref left)) >= 0;)
            {
                await scheduler.ScheduleJob(JobBuilder.Create<Job>().WithIdentity($"{calls}-{n}").Build(), TriggerBuilder.Create().StartNow().Build());
            }
        })));
        await Done[0].Task;
    }

    /// <summary>Does nothing.</summary>
    public sealed class Job : IJob
    {
        /// <inheritdoc/>
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Decrement(ref s_left) == 0)
            {
                Done[0].SetResult();
            }
            return ValueTask.CompletedTask;
        }
    }
}
