using Belfry.Tests.Folding;

namespace Belfry.Storage.Tests;

/// <summary>Random events of several sources: all kinds, retries, redeliveries, skewed clocks, one id in two sources.</summary>
static class MadeUpStream
{
    static readonly string[] Sources = ["north", "south", "west"];

    /// <summary>The events of so many ids, life by life, each in order.</summary>
    public static List<List<TaskEvent>> Lives(Random random, int ids) =>
    [
        .. Enumerable.Range(0, ids).Select(n =>
        {
            string id = n % 5 == 4 ? IdOf(random, n - 1) : IdOf(random, n); // of two that have one id each is in a source of its own
            return Belfry.Tests.Folding.Lives.Random(random, id).Select(item => Strange(item, random) with { Source = Sources[n % 3] }).ToList();
        }).Where(life => life.Count > 0),
    ];

    /// <summary>All of them in any order, some several times.</summary>
    public static List<TaskEvent> Shuffled(IEnumerable<TaskEvent> events, Random random, int times)
    {
        List<TaskEvent> told = [.. Enumerable.Repeat(events, times).SelectMany(all => all)];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(told));
        return told;
    }

    /// <summary>Appends in batches of any size.</summary>
    public static async Task AppendAsync(RunLog log, List<TaskEvent> events, Random random, CancellationToken cancel)
    {
        for (int at = 0, size; at < events.Count; at += size)
        {
            size = Math.Min(random.Next(1, 60), events.Count - at);
            await log.AppendAsync(events.GetRange(at, size), cancel);
        }
    }

    static TaskEvent Strange(TaskEvent item, Random random) => random.Next(25) switch
    {
        0 when item.Kind.IsOutcome() => item with { Kind = EventKind.Skipped, Reason = "nothing to do", Result = null },
        1 when item.Kind == EventKind.Progress => item with { Kind = EventKind.Context, Context = new RunContext("m", "t", $"{random.Next(3)}") },
        2 => item with { Extra = $$"""{"a":{{random.Next(2)}}}""" },
        3 => item with { At = item.At + TimeSpan.FromMicroseconds(random.Next(-15, 15)) },
        _ => item,
    };

    static string IdOf(Random random, int n) => n % 7 == 0 ? $"plain-{n}" : new Guid(n, 7, 7, [1, 2, 3, 4, 5, 6, 7, (byte)n]).ToString();
}
