using System.Diagnostics;
using System.Text.Json;
using Belfry.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>One writer of a log, in a process of its own: warms up, waits for a line, appends, and tells what that took.</summary>
static class PostgresAppender
{
    /// <summary>What it says when the next line lets it begin.</summary>
    public const string Ready = "ready";

    const int GroupOfRuns = 2500, GroupsAhead = 4; // as the server's source has it: four wait for their commit before the next is read
    static readonly JsonSerializerOptions Lower = new(JsonSerializerDefaults.Web);

    public static async Task RunAsync(string url, int number, int runs, int lag)
    {
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse(url), new RunLogOptions { GroupWait = TimeSpan.Zero }, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        int before = runs; // the runtime compiles for some seconds what is then timed, and each kind of work must have been seen
        await AppendAsync(log, Groups(new MadeUpEvents(100 + number, Now - TimeSpan.FromHours(1), 25_000), before, lag));
        List<List<TaskEvent>> groups = Groups(new MadeUpEvents(number, Now, 25_000), runs, lag);
        for (int i = 0; i < GC.MaxGeneration; i++)
        {
            GC.Collect(); // all these events are old then, and no collection that is timed carries them any further
        }
        Console.WriteLine(Ready);
        await Console.In.ReadLineAsync();
        (long begin, TimeSpan cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        await AppendAsync(log, groups);
        Console.WriteLine(JsonSerializer.Serialize(
            new Appended(Stopwatch.GetElapsedTime(begin).TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, before), Lower));
        await Console.In.ReadLineAsync();
    }

    static async Task AppendAsync(RunLog log, List<List<TaskEvent>> groups)
    {
        var ahead = new Queue<Task>();
        foreach (List<TaskEvent> group in groups)
        {
            if (ahead.Count == GroupsAhead)
            {
                await ahead.Dequeue();
            }
            ahead.Enqueue(log.AppendAsync(group, CancellationToken.None));
        }
        await Task.WhenAll(ahead);
    }

    /// <summary>All events of a run in one group, or its end so many runs later.</summary>
    static List<List<TaskEvent>> Groups(MadeUpEvents events, int runs, int lag)
    {
        var groups = new List<List<TaskEvent>>();
        var ends = new Queue<TaskEvent>();
        for (int made = 0; made < runs || ends.Count > 0; made += GroupOfRuns)
        {
            List<TaskEvent> group = made < runs ? events.Next(Math.Min(GroupOfRuns, runs - made)) : [];
            if (lag > 0)
            {
                group.FindAll(IsEnd).ForEach(ends.Enqueue);
                group.RemoveAll(IsEnd);
                for (int i = 0; i < GroupOfRuns && ends.Count > 0 && made >= lag; i++)
                {
                    group.Add(ends.Dequeue());
                }
            }
            groups.Add(group);
        }
        return groups;
    }

    static bool IsEnd(TaskEvent item) => item.Kind is EventKind.Succeeded or EventKind.Failed;

    static Instant Now => Instant.Now(TimeProvider.System);
}

/// <summary>What a writer tells.</summary>
/// <param name="Seconds">How long it took.</param>
/// <param name="Cpu">CPU of its process, in seconds.</param>
/// <param name="Before">Runs that it appended to warm up.</param>
sealed record Appended(double Seconds, double Cpu, int Before);
