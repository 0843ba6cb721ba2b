using System.Text.Json;
using System.Threading;

namespace Belfry;

/// <summary>Keeps the book of tasks: enters them when the scheduler starts, does what people switch in any process.</summary>
sealed class Booking(SchedulerParts parts, SchedulerLoop loop) : IDisposable
{
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1), Show = TimeSpan.FromMinutes(5);
    readonly CancellationTokenSource _over = new();
    long _number = -1;
    Instant _shown;

    /// <summary>What is known of the tasks, by name; nothing where there is no book.</summary>
    public async Task<IReadOnlyDictionary<string, BookedTask>> RegisterAsync(IReadOnlyList<TaskDefinition> tasks, Instant now)
    {
        if (parts.Book is null)
        {
            return new Dictionary<string, BookedTask>();
        }
        _shown = now;
        return (await parts.Book.RegisterAsync([.. tasks.Select(task => Entry(task, now))], parts.Stopping)).ToDictionary(task => task.Name);
    }

    /// <summary>Follows the book until this is disposed.</summary>
    public Task FollowAsync() => parts.Book is { } book ? FollowAsync(book) : Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        _over.Cancel();
        _over.Dispose();
    }

    async Task FollowAsync(ITaskBook book)
    {
        CancellationToken over = _over.Token;
        while (!over.IsCancellationRequested)
        {
            try
            {
                await FollowOnceAsync(book, over);
            }
            catch (Exception unread) when (!over.IsCancellationRequested)
            {
                loop.Unheard(unread);
            }
            await Task.Delay(Look, parts.Clock, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task FollowOnceAsync(ITaskBook book, CancellationToken over)
    {
        TaskSwitches switches = await book.SwitchesAsync(over);
        if (switches.Number != _number)
        {
            IReadOnlyDictionary<string, string> stops = await book.StopsAsync(over);
            loop.Post(() => loop.Switch(switches));
            loop.Post(() => loop.StopAll(stops));
            _number = switches.Number; // not before: what cannot be read now is read with the next look
        }
        Instant now = Instant.Now(parts.Clock);
        if (now - _shown >= Show)
        {
            _shown = now;
            await book.SeenAsync(parts.Options.ProcessName, now, over);
        }
    }

    BookedTask Entry(TaskDefinition task, Instant now) => new()
    {
        Name = task.Name,
        Source = parts.Options.Source,
        Start = task.Start.ToString(),
        Options = JsonSerializer.Serialize(new
        {
            execution = task.Options.Execution.ToString(), timeout = task.Options.Timeout, end = task.End?.ToString(), priority = task.Options.Priority,
            overlap = task.Options.Overlap.ToString(), misfire = task.Options.Misfire, catchUp = task.Options.CatchUp, crash = task.Options.Crash.ToString(),
            retryLost = task.Options.RetryLost, jitter = task.Options.Jitter, onStartup = task.Options.OnStartup, onShutdown = task.Options.OnShutdown,
            permanent = task.Options.Permanent, disabled = task.Options.Disabled, queue = task.Options.Queue, afterFinishAnyEnd = parts.Options.AfterFinishAnyEnd,
            timeZone = (task.Options.TimeZone ?? parts.Options.TimeZone).Id, description = task.Options.Description,
        }),
        Parameters = JsonSerializer.Serialize(task.Parameters.Select(parameter => new { name = parameter.Name, type = parameter.Type, required = parameter.IsRequired })),
        Process = parts.Options.ProcessName,
        Registered = now,
        Seen = now,
    };
}
