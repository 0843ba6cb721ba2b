using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Writes reports into the log behind the back of those who are reported: they never wait for it.</summary>
sealed partial class ReportWriter : IAsyncDisposable
{
    /// <summary>Events that may wait, besides those that the diary keeps; later ones are dropped, and counted.</summary>
    const int MostWaiting = 100_000;

    /// <summary>How long the end of a program may be held up.</summary>
    static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(5);

    readonly Channel<TaskEvent> _waiting = Channel.CreateBounded<TaskEvent>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    readonly RunDiary? _diary;
    readonly CutOffReports? _cutOff;
    readonly ILogger _logger;
    readonly Task _writing;
    long _added, _written, _dropped;

    /// <summary>Begins to write; without a log all is let go.</summary>
    public ReportWriter(RunDiary? diary, CutOffReports? cutOff, ILogger logger)
    {
        (_diary, _cutOff, _logger) = (diary, cutOff, logger);
        _writing = diary is null ? Task.CompletedTask : Task.Run(() => WriteAsync(diary));
    }

    /// <summary>Takes an event, and returns at once.</summary>
    public void Add(TaskEvent item)
    {
        if (_diary is null)
        {
            return;
        }
        if (_waiting.Writer.TryWrite(item))
        {
            Interlocked.Increment(ref _added);
        }
        else if (Interlocked.Increment(ref _dropped) == 1)
        {
            LogDropped(MostWaiting);
        }
    }

    /// <summary>Waits until all that was taken so far is written, or that long.</summary>
    public bool Flush(TimeSpan limit)
    {
        long all = Interlocked.Read(ref _added);
        return _diary is null || SpinWait.SpinUntil(() => Interlocked.Read(ref _written) >= all || _writing.IsCompleted, limit);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _writing.WaitAsync(LastWrite).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_diary is not null)
        {
            await _diary.DisposeAsync().AsTask().WaitAsync(LastWrite).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task WriteAsync(RunDiary diary)
    {
        var group = new List<TaskEvent>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (group.Count < 1000 && _waiting.Reader.TryRead(out TaskEvent? item))
            {
                group.Add(item);
            }
            try
            {
                await diary.AppendAsync([.. await CutOffAsync(group), .. group], CancellationToken.None);
            }
            catch (Exception problem)
            {
                LogUnwritten(problem, group.Count, problem.Message);
            }
            Interlocked.Add(ref _written, group.Count);
            group.Clear();
        }
    }

    /// <summary>Where the log cannot be read, what was cut off is found another time.</summary>
    async Task<IReadOnlyList<TaskEvent>> CutOffAsync(List<TaskEvent> group)
    {
        try
        {
            return _cutOff is null ? [] : await _cutOff.BeforeAsync(group);
        }
        catch (Exception unread)
        {
            LogUnread(unread, unread.Message);
            return [];
        }
    }

    [LoggerMessage(453, LogLevel.Warning, "Which reported runs were cut off cannot be read: {Problem}")]
    partial void LogUnread(Exception exception, string problem);

    [LoggerMessage(451, LogLevel.Error, "{Waiting} reports of runs wait for a log that takes none: later ones are dropped")]
    partial void LogDropped(int waiting);

    [LoggerMessage(452, LogLevel.Error, "{Reports} reports of runs could not be written: {Problem}")]
    partial void LogUnwritten(Exception exception, int reports, string problem);
}
