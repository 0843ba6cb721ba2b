using System.Text.Json;

namespace Belfry.Storage.Tests;

/// <summary>What holds for every stream of events, whatever is in it: on every engine.</summary>
public abstract class LogLawTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Testing.Soak.Count(4, 200))];

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("row", "102")]
    public async Task Appended_in_any_order_and_twice_is_as_appended_once_in_order(int seed)
    {
        var random = new Random(seed);
        List<List<TaskEvent>> lives = MadeUpStream.Lives(random, 150);
        List<TaskEvent> inOrder = [.. lives.SelectMany(life => life).OrderBy(item => item.At.Micros)];
        List<TaskEvent>[] shares = [.. MadeUpStream.Shuffled(inOrder, random, times: 2).Chunk(1 + (inOrder.Count * 2 / 3)).Select(share => share.ToList())];
        string once = await ContentAsync(lives, _ => { }, log => log.AppendAsync(inOrder, Cancel));
        string twice = await ContentAsync(
            lives, options => options.OpenRunsInMemory = 10 * (seed % 3), log => Task.WhenAll(shares.Select((share, n) => MadeUpStream.AppendAsync(log, share, new Random(seed + n), Cancel))));
        Assert.Equal(once, twice);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_life_that_is_cut_anywhere_and_appended_in_two_pieces_is_as_appended_whole(int seed)
    {
        var random = new Random(seed);
        List<List<TaskEvent>> lives = MadeUpStream.Lives(random, 150);
        List<int> cuts = [.. lives.Select(life => random.Next(life.Count + 1))];
        List<TaskEvent> first = [.. lives.SelectMany((life, n) => life[..cuts[n]])], second = [.. lives.SelectMany((life, n) => life[cuts[n]..])];
        string whole = await ContentAsync(lives, _ => { }, log => log.AppendAsync([.. first, .. second], Cancel));
        Assert.Equal(whole, await ContentAsync(lives, options => options.OpenRunsInMemory = 0, log => log.AppendAsync(first, Cancel), log => log.AppendAsync(second, Cancel)));
        Assert.Equal(whole, await ContentAsync(lives, _ => { }, log => log.AppendAsync(second, Cancel), log => log.AppendAsync(first, Cancel)));
    }

    protected abstract Task<LogStore> NewStoreAsync();

    /// <summary>All that the log says after these steps, the log closed and opened between any two.</summary>
    async Task<string> ContentAsync(List<List<TaskEvent>> lives, Action<RunLogOptions> configure, params Func<RunLog, Task>[] steps)
    {
        await using LogStore store = await NewStoreAsync();
        foreach (Func<RunLog, Task> step in steps)
        {
            await using RunLog log = await store.OpenAsync(configure);
            await step(log);
        }
        await using RunLog read = await store.OpenAsync();
        return await ContentAsync(read.Queries, lives);
    }

    static async Task<string> ContentAsync(RunQueries queries, List<List<TaskEvent>> lives)
    {
        var content = new List<object?>();
        foreach (string id in lives.Select(life => life[0].Id).Distinct().Order(StringComparer.Ordinal))
        {
            content.AddRange(await queries.FindAsync(id, null, Cancel));
        }
        Assert.Equal(lives.Sum(life => Fold.Rows(life).Count), content.Count);
        RunPage page = await queries.PageAsync(new RunFilter(), 1000, null, null, Cancel);
        content.AddRange(page.Items.OrderBy(run => run.At).ThenBy(run => run.Source, StringComparer.Ordinal).ThenBy(run => run.Id, StringComparer.Ordinal).ThenBy(run => run.Attempt));
        foreach (RunState state in RunStates.All.Where(state => state.IsFinal()))
        {
            content.Add((await queries.LastEndAsync("report", "north", [state], Cancel))?.Finished);
        }
        var day = TimeSpan.FromDays(1);
        Instant at = lives[0][0].At;
        content.Add(await queries.FiguresAsync(at - day, at + day, [], Cancel));
        foreach (NameKind by in (NameKind[])[NameKind.Task, NameKind.Worker, NameKind.Queue, NameKind.Source])
        {
            LogReport report = await queries.ReportAsync(new ReportQuery { From = at - day, To = at + day, By = by }, Cancel);
            // Longest and shortest are not taken back when a run turns out to be another: they are left out.
            content.AddRange(report.Subjects.Select(subject => (object)new { subject.Name, subject.Runs, Times = (subject.Runtime?.Runs, subject.Runtime?.P50, subject.Runtime?.P95).ToString() }));
        }
        return string.Join('\n', content.Select(item => JsonSerializer.Serialize(item)));
    }
}
