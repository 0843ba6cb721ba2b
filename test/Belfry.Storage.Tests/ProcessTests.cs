using System.Globalization;
using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>Two processes on one store, and one that is killed: on every engine.</summary>
public abstract class ProcessTests
{
    const int Lives = 400;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_processes_that_write_the_same_runs_lose_nothing()
    {
        await using LogStore store = await NewStoreAsync();
        await using RunLog log = await store.OpenAsync();
        await using ChildProcess other = OtherWriter.Start(store, OtherWriter.Share, Lives);
        await other.LineAsync(line => line == OtherWriter.Ready);
        await MadeUpStream.AppendAsync(log, OtherWriter.ShareOf(Lives, 0), new Random(5), Cancel);
        await other.ExitAsync(TimeSpan.FromMinutes(2));
        foreach (List<TaskEvent> life in OtherWriter.LivesOf(Lives))
        {
            Assert.Equal(Fold.Rows(life), await log.Queries.FindAsync(life[0].Id, life[0].Source, Cancel));
        }
        await using RunLog again = await store.OpenAsync();
        Assert.Equal(OtherWriter.LivesOf(Lives).Sum(life => Fold.Rows(life).Count), (await again.Queries.CountAsync(new RunFilter(), 10_000, null, Cancel)).Runs);
    }

    [Fact]
    public async Task After_a_writer_was_killed_every_committed_run_is_found_by_its_id_and_told_again_is_the_same()
    {
        await using LogStore store = await NewStoreAsync();
        const int segment = 33_000; // some keys are written, the others were only in the memory of the killed process
        int committed;
        await using (ChildProcess doomed = OtherWriter.Start(store, OtherWriter.Endless, 0))
        {
            await doomed.LineAsync(line => int.TryParse(line, CultureInfo.InvariantCulture, out int runs) && runs > segment, TimeSpan.FromMinutes(2));
            doomed.Signal(9);
            await doomed.ExitAsync(TimeSpan.FromSeconds(10));
            committed = doomed.Output.Split('\n').Select(line => int.TryParse(line, CultureInfo.InvariantCulture, out int runs) ? runs : 0).Max();
        }
        await using RunLog log = await store.OpenAsync();
        long runs = (await log.Queries.StatusAsync(Cancel)).EndedRuns;
        Assert.InRange(runs, committed, committed + (2 * OtherWriter.RunsAtOnce));
        int[] sample = [0, 1, 500, segment - 1, .. Enumerable.Range(1, 200).Select(n => committed - (n * 3))];
        await log.AppendAsync([.. sample.SelectMany(OtherWriter.LifeOf)], Cancel);
        foreach (int n in sample)
        {
            Assert.Equal(Fold.Rows(OtherWriter.LifeOf(n)), await log.Queries.FindAsync($"run-{n}", null, Cancel));
        }
        Assert.Equal(runs, (await log.Queries.StatusAsync(Cancel)).EndedRuns);
    }

    protected abstract Task<LogStore> NewStoreAsync();
}

/// <summary>The other process: this program, told by its environment what to write.</summary>
public sealed class OtherWriter
{
    public const string Share = "share", Endless = "endless", Newest = "newest", Ready = "ready to write";
    public const int RunsAtOnce = 1000;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task It_writes()
    {
        string[] told = Environment.GetEnvironmentVariable("BELFRY_OTHER_WRITER")!.Split(' ');
        using var console = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        console.WriteLine();
        if (told[1] == Newest)
        {
            console.WriteLine(await NewestAsync(StoreUrl.Parse(told[0])));
            return;
        }
        var options = new RunLogOptions { GroupWait = TimeSpan.FromMilliseconds(5) };
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(told[0]), options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel);
        console.WriteLine(Ready);
        if (told[1] == Share)
        {
            await MadeUpStream.AppendAsync(log, ShareOf(int.Parse(told[2], CultureInfo.InvariantCulture), 1), new Random(6), Cancel);
            return;
        }
        for (int n = 0; ; n += RunsAtOnce)
        {
            await log.AppendAsync([.. Enumerable.Range(n, RunsAtOnce).SelectMany(LifeOf)], Cancel);
            console.WriteLine(n + RunsAtOnce);
        }
    }

    /// <summary>The arguments of the newest run, or why it cannot be read.</summary>
    static async Task<string?> NewestAsync(StoreUrl store)
    {
        using RunQueries beside = await RunQueries.OpenAsync(store, TimeProvider.System, Cancel);
        try
        {
            return (await beside.PageAsync(new RunFilter(), 1, null, null, Cancel)).Items.Single().Args;
        }
        catch (StoreException problem)
        {
            return problem.Message;
        }
    }

    /// <param name="store">Its store.</param>
    /// <param name="what">What to do.</param>
    /// <param name="lives">How many.</param>
    /// <param name="without">A library that it does not find.</param>
    internal static ChildProcess Start(LogStore store, string what, int lives, string? without = null)
    {
        string[] command = [Environment.ProcessPath!, "--explicit", "only", "--filter-method", $"*{nameof(OtherWriter)}.{nameof(It_writes)}"];
        command = without is null ? command : ["unshare", "-m", "sh", "-c", "mount --bind /dev/null \"$0\" && exec \"$@\"", without, .. command];
        return ChildProcess.Start(command[0], command[1..], environment: new Dictionary<string, string?> { ["BELFRY_OTHER_WRITER"] = $"{store.FullUrl} {what} {lives}" });
    }

    /// <summary>What both processes tell of: the same in each.</summary>
    internal static List<List<TaskEvent>> LivesOf(int lives) => MadeUpStream.Lives(new Random(17), lives);

    /// <summary>What one of the two hears: half of all events, and some that the other hears as well.</summary>
    internal static List<TaskEvent> ShareOf(int lives, int writer)
    {
        var random = new Random(writer);
        return MadeUpStream.Shuffled(LivesOf(lives).SelectMany(life => life).Where((_, i) => i % 2 == writer || random.Next(4) == 0), random, times: 1);
    }

    /// <summary>A run that started and ended.</summary>
    internal static TaskEvent[] LifeOf(int n)
    {
        var started = new TaskEvent { Source = "s", Id = $"run-{n}", Kind = EventKind.Started, At = new Instant(1_795_000_000_000_000 + (n * 10)), Task = "t", Worker = "w" };
        return [started, started with { Kind = EventKind.Succeeded, At = started.At + TimeSpan.FromMicroseconds(5), Result = "1" }];
    }
}
