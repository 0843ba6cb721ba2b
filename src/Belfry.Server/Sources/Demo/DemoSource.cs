using System.Collections.Concurrent;
using System.Text.Json;
using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources.Demo;

/// <summary>Runs the sample tasks in this process. Their events enter the log as those of any source.</summary>
sealed partial class DemoSource(RunLog log, TimeProvider clock, Random random, ILogger<DemoSource> logger) : BackgroundService
{
    const string Source = "demo";
    static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);
    static readonly string Worker = $"demo@{Environment.MachineName}";

    readonly ConcurrentDictionary<Task, bool> _called = new();
    long _active;
    long _processed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await TellAsync(EventKind.WorkerOnline);
        await Task.WhenAll([BeatAsync(stoppingToken), .. SampleTasks.All.Select(task => RepeatAsync(task, stoppingToken))]);
        await Task.WhenAll(_called.Keys);
        await TellAsync(EventKind.WorkerOffline);
    }

    async Task BeatAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            log.Listen(Source, "local", misses: false, listening: true, problem: null);
            log.JudgeWorker(Source, Worker, online: true);
            await TellAsync(EventKind.WorkerHeartbeat);
            await Task.Delay(Beat, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        log.JudgeWorker(Source, Worker, online: false);
    }

    async Task RepeatAsync(SampleTask task, CancellationToken cancel)
    {
        await Task.Delay(task.First, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        for (int number = 1; !cancel.IsCancellationRequested; number++)
        {
            try
            {
                await RunAsync(task, number, parent: null, cancel);
                await Task.Delay(task.Every ?? Timeout.InfiniteTimeSpan, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogStumbled(task.Name, e);
                return;
            }
        }
    }

    async Task RunAsync(SampleTask task, int number, string? parent, CancellationToken cancel)
    {
        string id = Guid.NewGuid().ToString();
        for (int attempt = 1; attempt <= task.Attempts && !cancel.IsCancellationRequested; attempt++)
        {
            TaskEvent begin = New(id, EventKind.Submitted, attempt) with
            {
                Task = task.Name, Queue = task.Queue, App = "shop", Args = "[]", Kwargs = JsonSerializer.Serialize(new { number }), Parent = parent, Root = parent ?? id,
            };
            // Submitted is without a worker; that one is told when it takes the run.
            await log.AppendAsync([begin with { Worker = null }, begin with { Kind = EventKind.Received, At = Instant.Now(clock) }], CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5, 60)), clock, CancellationToken.None);
            TaskEvent end = await AttemptAsync(task, begin, number, attempt, cancel);
            await log.AppendAsync([end], CancellationToken.None);
            if (end.Kind != EventKind.Retried)
            {
                return;
            }
            await Task.Delay(RetryDelay, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task<TaskEvent> AttemptAsync(SampleTask task, TaskEvent begin, int number, int attempt, CancellationToken cancel)
    {
        long began = clock.GetTimestamp();
        await log.AppendAsync([New(begin.Id, EventKind.Started, attempt)], CancellationToken.None);
        Interlocked.Increment(ref _active);
        var run = new SampleRun(number, attempt, random, clock,
            (percent, text) => log.AppendAsync([New(begin.Id, EventKind.Progress, attempt) with { Percent = percent, Text = text }], CancellationToken.None),
            child => Own(RunAsync(child, number, begin.Id, cancel)));
        try
        {
            string result = await task.Body(run, cancel);
            return New(begin.Id, EventKind.Succeeded, attempt) with { Result = result, Runtime = clock.GetElapsedTime(began).TotalSeconds };
        }
        catch (OperationCanceledException)
        {
            return New(begin.Id, EventKind.Cancelled, attempt) with { Reason = "the demo stopped" };
        }
        catch (NothingToDoException nothing)
        {
            return New(begin.Id, EventKind.Skipped, attempt) with { Reason = nothing.Message };
        }
        catch (Exception e)
        {
            EventKind kind = attempt < task.Attempts ? EventKind.Retried : EventKind.Failed;
            return New(begin.Id, kind, attempt) with { Exception = $"{e.GetType().FullName}: {e.Message}", Traceback = e.ToString(), Runtime = clock.GetElapsedTime(began).TotalSeconds };
        }
        finally
        {
            Interlocked.Decrement(ref _active);
            Interlocked.Increment(ref _processed);
        }
    }

    /// <summary>Called runs are awaited at the end; each takes itself away when it is done, so there are only as many as run now.</summary>
    void Own(Task run)
    {
        _called.TryAdd(run, true);
        _ = run.ContinueWith(done => _called.TryRemove(done, out _), TaskScheduler.Default);
    }

    Task TellAsync(EventKind kind) => log.AppendAsync([New("", kind, null) with { Beat = new WorkerBeat(Environment.ProcessId, Beat.TotalSeconds, Interlocked.Read(ref _active), Interlocked.Read(ref _processed), "belfry demo") }], CancellationToken.None);

    TaskEvent New(string id, EventKind kind, int? attempt) => new() { Source = Source, Id = id, Kind = kind, At = Instant.Now(clock), Attempt = attempt, Worker = Worker };

    [LoggerMessage(201, LogLevel.Error, "The sample task {Task} cannot go on")]
    partial void LogStumbled(string task, Exception problem);
}
