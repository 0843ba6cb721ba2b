using Belfry.Storage;

namespace Belfry.Server.Sources.Queues;

/// <summary>How long a queue was when a run came into it.</summary>
static class QueueLengths
{
    static readonly TimeSpan Near = TimeSpan.FromMinutes(5), Stretch = TimeSpan.FromSeconds(10);

    /// <summary>The length that was measured nearest to a run's instant; null when none was within five minutes, or its queue is not known.</summary>
    public static async Task<long?> AtAsync(RunQueries log, TaskRun run, CancellationToken cancel)
    {
        if (run.Queue is not { } queue)
        {
            return null;
        }
        IReadOnlyList<SamplePoint> points = await log.SamplesAsync(run.Source, SampleKinds.QueueLength, queue, run.At - Near, run.At + Near, Stretch, cancel);
        return points.Count == 0 ? null : (long)Math.Round(points.MinBy(point => (point.At - run.At).Duration()).Average);
    }
}
