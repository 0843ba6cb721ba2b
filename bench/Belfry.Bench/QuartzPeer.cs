using Quartz;

namespace Belfry.Bench;

/// <summary>The same tasks with Quartz, its store in memory and as many threads as it likes best here.</summary>
static class QuartzPeer
{
    static Lateness s_clock = new(0, default);

    /// <summary>How late each run was.</summary>
    public static async Task<Lateness> LatenessAsync(int tasks, Func<int, TimeSpan> offset)
    {
        QuartzSchedulerBuilder builder = QuartzSchedulerBuilder.Create(quartz => quartz
            .UseDefaultThreadPool(64)
            .UseInMemoryStore(store => store.MisfireThreshold = TimeSpan.FromMinutes(10))
            .ConfigureScheduler(options => (options.InstanceName, options.MaxBatchSize) = (Guid.NewGuid().ToString("n"), 64)));
        IScheduler scheduler = await builder.BuildScheduler();
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        DateTimeOffset begin = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, now.Minute, 0, TimeSpan.Zero).AddMinutes(now.Second < 30 ? 1 : 2);
        s_clock = new Lateness(tasks, begin);
        for (int n = 0; n < tasks; n++)
        {
            TimeSpan late = offset(n);
            IJobDetail job = JobBuilder.Create<Job>().WithIdentity($"task-{n}").UsingJobData("late", late.Ticks).Build();
            await scheduler.ScheduleJob(job, TriggerBuilder.Create().StartAt(begin + late).WithSimpleSchedule().Build());
        }
        await scheduler.Start();
        await s_clock.WaitAsync(begin.AddSeconds(90));
        await scheduler.Shutdown();
        return s_clock;
    }

    /// <summary>Notes when it starts.</summary>
    public sealed class Job : IJob
    {
        /// <inheritdoc/>
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            s_clock.Started(0, TimeSpan.FromTicks(context.MergedJobDataMap.GetLong("late")));
            return ValueTask.CompletedTask;
        }
    }
}
