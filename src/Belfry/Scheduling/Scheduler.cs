using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Runs tasks when their conditions hold, as long as the host does. It sleeps until the next of them can change, or something happens.</summary>
/// <remarks>
/// What it knows of past runs it reads from the log when it starts, so it goes on where the last process stopped. Tasks come and go by <see cref="TaskRegistry"/>.
/// Its diary is the logger category <c>Belfry.Scheduler</c>. Whoever asks it before the host starts waits until then; once it has stopped he gets an
/// <see cref="InvalidOperationException"/>.
/// </remarks>
public sealed class Scheduler : BackgroundService
{
    readonly SchedulerParts _parts;
    readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile SchedulerLoop? _loop;
    volatile bool _again, _held, _forced;

    /// <summary>Makes the one that a process has; it is a hosted service.</summary>
    public Scheduler(
        TaskRegistry tasks, BelfryOptions options, TaskRunner runner, ConditionFunctions functions, IRunLogStore log, TimeProvider clock, ILoggerFactory loggers,
        IHostEnvironment? environment = null, ITaskBook? book = null)
        : this(new SchedulerParts
        {
            Tasks = tasks, Options = options, Run = runner.RunAsync, IsReported = runner.IsReported, Log = log, Book = book, Clock = clock,
            Logger = new QuietLogger(loggers.CreateLogger("Belfry.Scheduler")),
            Surroundings = new TaskSurroundings(environment?.EnvironmentName, functions),
        })
    {
    }

    internal Scheduler(SchedulerParts parts) => _parts = parts;

    /// <summary>Why the log cannot be written, so that it lacks what happened since; null when it is in sync.</summary>
    public string? LogProblem => _loop?.LogProblem;

    /// <summary>It has read the log, and looks after its tasks.</summary>
    public bool IsAtWork => _loop is { IsWorking: true };

    /// <summary>Orders a run, whatever the condition says and also while the task is disabled; several orders wait for each other, unless the task may overlap.</summary>
    /// <param name="task">The task.</param>
    /// <param name="parameters">Values for parameters of its handler, by their names: an object, or a dictionary; null for none.</param>
    /// <returns>The run's id.</returns>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    /// <remarks>An order that has not started when the process ends is gone; a call through a queue is not.</remarks>
    public Task<string> RunNowAsync(string task, object? parameters = null)
    {
        string? kwargs = parameters is null ? null : JsonSerializer.Serialize(parameters, _parts.Options.Json);
        return Apart.RunAsync(() => AskAsync(agenda =>
        {
            ScheduledTask known = Known(agenda, task);
            var order = new RunOrder { Source = _parts.Options.Source, Id = _parts.NewId(), Kwargs = kwargs };
            agenda.Order(known, order);
            return order.Id;
        }));
    }

    /// <summary>Its condition starts it no more, until it is enabled. A run at work goes on. Where the log has a book of tasks that outlives this process.</summary>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public Task DisableAsync(string task) => SetDisabledAsync(task, true);

    /// <summary>Its condition starts it again.</summary>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public Task EnableAsync(string task) => SetDisabledAsync(task, false);

    /// <summary>No condition starts anything until <see cref="ReleaseAsync"/>. Runs at work go on, and those that people order start.</summary>
    /// <remarks>Where the log has a book of tasks it holds all processes, and over restarts.</remarks>
    public Task HoldAsync() => SetHoldAsync(true);

    /// <summary>Conditions start tasks again.</summary>
    public Task ReleaseAsync() => SetHoldAsync(false);

    /// <summary>Ends a run at work, by its id, or all runs of a task, by its name.</summary>
    /// <returns>How many runs were told to end.</returns>
    public Task<int> TerminateAsync(string idOrTask) => Apart.RunAsync(() => AskAsync(agenda =>
    {
        List<Work> works = [.. agenda.AtWork.Where(work => work.Order.Id == idOrTask || work.Definition.Name == idOrTask)];
        works.ForEach(work => agenda.Stop(work, "terminated"));
        return works.Count;
    }));

    /// <summary>How all tasks stand.</summary>
    public Task<IReadOnlyList<TaskStanding>> TasksAsync() => Apart.RunAsync(() => StandingsAsync(agenda => agenda.Histories.Tasks));

    /// <summary>How a task stands; null when there is none of that name.</summary>
    public Task<TaskStanding?> TaskAsync(string task) => Apart.RunAsync(async () =>
        (await StandingsAsync(agenda => agenda.Histories.Find(task) is { } known ? [known] : [])).SingleOrDefault());

    /// <summary>Why a task starts now or does not: its condition as a tree.</summary>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public Task<Explanation> WhyAsync(string task) => Apart.RunAsync(async () =>
    {
        (Condition start, ConditionContext context) = await ContextAsync(task);
        return start.Explain(context);
    });

    /// <summary>When a task will start if each of its runs ends well at once and no other task runs: the next 20 starts by default, at most ten years ahead.</summary>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public Task<IReadOnlyList<Instant>> NextAsync(string task, int count = 20) => Apart.RunAsync<IReadOnlyList<Instant>>(async () =>
    {
        (Condition start, ConditionContext context) = await ContextAsync(task);
        return [.. start.Starts(context).Take(count)];
    });

    /// <summary>
    /// Stops: tasks for the end run, runs at work are waited for. With force, when it is said again, or where <see cref="BelfryOptions.Shutdown"/> says so, they are
    /// ended. The host goes on.
    /// </summary>
    public async Task ShutDownAsync(bool force = false)
    {
        _forced |= force;
        _loop?.ShutDown(force);
        await (ExecuteTask ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Stops, and starts again: all is read anew from the log.</summary>
    public void Restart()
    {
        _again = true;
        _loop?.ShutDown(force: false);
    }

    /// <inheritdoc/>
    public override Task StopAsync(CancellationToken cancellationToken) => Apart.RunAsync(async () =>
    {
        _again = false;
        // The host waits so long and no longer: what is at work then is ended, and its end is logged.
        using CancellationTokenRegistration late = cancellationToken.Register(() => _loop?.ShutDown(force: true));
        await base.StopAsync(CancellationToken.None);
        _begun.TrySetResult(); // it may never have come to that
    });

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        SchedulerParts parts = _parts with { Stopping = stoppingToken };
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => EndNow());
        using CancellationTokenRegistration stopping = stoppingToken.Register(() => _loop?.ShutDown(_forced));
        do
        {
            _again = false;
            await using var loop = new SchedulerLoop(parts);
            _loop = loop;
            loop.Hold(_held);
            _begun.TrySetResult();
            if (stoppingToken.IsCancellationRequested)
            {
                loop.ShutDown(_forced);
            }
            await loop.RunAsync();
        }
        while (_again && !stoppingToken.IsCancellationRequested);
    }

    /// <summary>Somebody at a terminal wants it to end, and runs at work with it.</summary>
    void EndNow()
    {
        _forced = true;
        _loop?.ShutDown(force: true);
    }

    /// <summary>Of runs of tasks that start only when they are called the agenda hears nothing: the log is asked.</summary>
    async Task<IReadOnlyList<TaskStanding>> StandingsAsync(Func<Agenda, IEnumerable<ScheduledTask>> which)
    {
        Dictionary<string, Instant> called = await AskAsync(agenda =>
            agenda.Histories.Wanted(which(agenda).Where(task => task.Definition.IsOnlyCalled).Select(task => task.Definition.Name), Instant.Now(_parts.Clock)));
        IReadOnlyDictionary<string, TaskHistory> logged = called.Count == 0 ? new Dictionary<string, TaskHistory>() : await _parts.Log.HistoriesAsync(called, CancellationToken.None);
        return await AskAsync<IReadOnlyList<TaskStanding>>(agenda =>
            [.. which(agenda).Select(task => TaskStanding.Of(task, logged.GetValueOrDefault(task.Definition.Name, task.History)))]);
    }

    async Task<(Condition Start, ConditionContext Context)> ContextAsync(string task) => await AskAsync(agenda =>
    {
        ScheduledTask known = Known(agenda, task);
        return (known.Definition.Start, agenda.ContextOf(known, Instant.Now(_parts.Clock)) with { Tasks = agenda.Histories.Copy(known.Definition) });
    });

    Task SetDisabledAsync(string task, bool disabled) => Apart.RunAsync(async () =>
    {
        await AskAsync(agenda =>
        {
            agenda.Disable(Known(agenda, task), disabled);
            return disabled;
        });
        if (_parts.Book is { } book)
        {
            await book.DisableAsync(task, disabled, CancellationToken.None);
        }
    });

    Task SetHoldAsync(bool hold) => Apart.RunAsync(async () =>
    {
        if (_parts.Book is { } book)
        {
            await book.HoldAsync(hold, CancellationToken.None);
            TaskSwitches switches = await book.SwitchesAsync(CancellationToken.None);
            _loop?.Post(() => _loop?.Switch(switches));
        }
        else
        {
            _held = hold;
            _loop?.Post(() => _loop?.Hold(hold));
        }
    });

    async Task<T> AskAsync<T>(Func<Agenda, T> ask)
    {
        await _begun.Task; // a host starts its services one by one
        return await (_loop ?? throw SchedulerLoop.NotAtWork()).AskAsync(ask);
    }

    static ScheduledTask Known(Agenda agenda, string task) =>
        agenda.Histories.Find(task) ?? throw new ArgumentException($"there is no task '{task}'", nameof(task));
}
