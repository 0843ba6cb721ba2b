using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Belfry.Storage;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Admin;

/// <summary>The log as it changes, in rows ready for the page: at most one message a second, whatever the log does.</summary>
sealed class LiveRows(RunQueries queries, RunFeed feed, PageFrames frames, IServiceProvider services, ILoggerFactory loggers, IHostApplicationLifetime life, TimeProvider clock)
{
    static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    static readonly TimeSpan PulsePace = TimeSpan.FromSeconds(5);
    static readonly TimeSpan SnapshotDeadline = TimeSpan.FromMilliseconds(800);

    /// <summary>
    /// Messages <c>rows</c> (changed rows and those that went away), <c>gap</c> (changes were missed: reload) and <c>pulse</c>.
    /// A new reader first gets the page as it is now: what changed between the page and the stream is not lost.
    /// </summary>
    public async IAsyncEnumerable<SseItem<string>> ReadAsync(
        LogQuery query, PageFrame frame, string? lastId, Func<ValueTask<bool>> stillMay, [EnumeratorCancellation] CancellationToken cancel)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancel, life.ApplicationStopping);
        long? after = long.TryParse(lastId, out long number) ? number : null;
        RunFilter filter = query.Filter(frame.Clock, out string? problem);
        if (problem is not null)
        {
            yield break;
        }
        await using IAsyncEnumerator<RunChange> changes = feed.ReadAsync(after, both.Token).GetAsyncEnumerator(both.Token);
        // 1. subscribe, 2. the page as it is now, 3. what came meanwhile, 4. the rest
        Task<bool> next = NextAsync(changes);
        try
        {
            LiveBatch batch = new(filter);
            if (after is null)
            {
                RunPage page = await queries.PageAsync(filter, LogQuery.PageSize, null, SnapshotDeadline, both.Token);
                batch.Add(page.Items);
            }
            Instant pulsed = default, judged = Instant.Now(clock);
            while (!both.IsCancellationRequested)
            {
                Instant now = Instant.Now(clock);
                if (now - judged >= PulsePace)
                {
                    if (!await stillMay())
                    {
                        yield break;
                    }
                    judged = now;
                }
                if (now - pulsed >= PulsePace || !batch.Empty)
                {
                    frame = await frames.LaterAsync(frame, both.Token);
                    yield return new SseItem<string>(PulseOf(frame), "pulse");
                    pulsed = now;
                }
                if (batch.Gap)
                {
                    yield return new SseItem<string>("{}", "gap") { EventId = batch.Id };
                }
                else if (!batch.Empty)
                {
                    yield return new SseItem<string>(await RenderAsync(batch, frame), "rows") { EventId = batch.Id };
                }
                batch = new LiveBatch(filter);
                Task pause = Task.Delay(Pace, clock, both.Token);
                while (!pause.IsCompleted && await Task.WhenAny(pause, next) == next)
                {
                    if (!await next)
                    {
                        yield break;
                    }
                    batch.Add(changes.Current);
                    next = NextAsync(changes);
                }
            }
        }
        finally
        {
            // An enumerator cannot be disposed of while it is asked for its next item.
            await both.CancelAsync();
            await next;
        }
    }

    static async Task<bool> NextAsync(IAsyncEnumerator<RunChange> changes)
    {
        try
        {
            return await changes.MoveNextAsync();
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    static string PulseOf(PageFrame frame) => JsonSerializer.Serialize(new
    {
        last = frame.Pulse.Last?.Micros,
        now = frame.Clock.Now.Micros,
        source = frame.Pulse.Source,
        stale = frame.Pulse.Stale(frame.Clock.Now),
        title = frame.Pulse.Problem,
    });

    // A renderer keeps what it rendered, so each message has its own.
    async Task<string> RenderAsync(LiveBatch batch, PageFrame frame)
    {
        await using HtmlRenderer renderer = new(services, loggers);
        List<object> rows = [];
        foreach (TaskRun run in batch.Rows)
        {
            ParameterView parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { ["Run"] = run, ["Frame"] = frame });
            string html = await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<RunRow>(parameters)).ToHtmlString());
            rows.Add(new { key = RunRow.Key(run), at = run.At.Micros, html });
        }
        return JsonSerializer.Serialize(new { rows, gone = batch.Gone });
    }
}

/// <summary>The changes of a second, folded to what the page needs: the last word on each row, and only the newest of them.</summary>
sealed class LiveBatch(RunFilter filter)
{
    // A page has 50 rows. Of thousands of changes in a second the newest of these are kept; the older ones would not be on the page.
    const int Most = 1000;
    const int Kept = 4 * LogQuery.PageSize;

    readonly Func<TaskRun, bool> _wanted = filter.ToPredicate();
    readonly Dictionary<string, TaskRun> _rows = new(StringComparer.Ordinal);
    readonly HashSet<string> _gone = new(StringComparer.Ordinal);

    public bool Gap { get; private set; }

    public string? Id { get; private set; }

    public bool Empty => _rows.Count == 0 && _gone.Count == 0 && !Gap;

    public IReadOnlyCollection<string> Gone => _gone;

    public IEnumerable<TaskRun> Rows => _rows.Values.OrderByDescending(run => run.At.Micros).Take(Kept);

    public void Add(IEnumerable<TaskRun> page)
    {
        foreach (TaskRun run in page)
        {
            _rows[RunRow.Key(run)] = run;
        }
    }

    public void Add(RunChange change)
    {
        Gap |= change.Gap;
        Id = change.Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (change.Gone is { } gone)
        {
            Drop(RunRow.Key(gone));
        }
        if (change.Run is { } run)
        {
            // A run that no longer matches leaves the page.
            if (_wanted(run))
            {
                _rows[RunRow.Key(run)] = run;
                _gone.Remove(RunRow.Key(run));
            }
            else
            {
                Drop(RunRow.Key(run));
            }
        }
        if (_rows.Count > Most)
        {
            foreach (string old in _rows.OrderByDescending(row => row.Value.At.Micros).Skip(Kept).Select(row => row.Key).ToArray())
            {
                _rows.Remove(old);
            }
        }
    }

    // Only what the page may show needs a word; of the rest it never heard. The bound keeps a filter that matches nothing small.
    void Drop(string key)
    {
        _rows.Remove(key);
        if (_gone.Count < Most)
        {
            _gone.Add(key);
        }
    }
}
