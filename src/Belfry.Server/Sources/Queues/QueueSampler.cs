using Belfry.Celery;
using Belfry.Celery.Messages;
using Belfry.Celery.Queues;
using Belfry.Storage;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources.Queues;

/// <summary>
/// Measures a cluster every ten seconds, also when nothing runs there: how long its queues are, how old their oldest messages, who consumes, how many workers are
/// online. It has a task of its own: a broker that is slow holds up nothing else.
/// </summary>
sealed partial class QueueSampler(Cluster cluster, RunLog log, TimeProvider clock, ILogger logger)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(10), NamesKept = TimeSpan.FromMinutes(1), Patience = TimeSpan.FromSeconds(8);

    // RabbitMQ writes a line into its log each time that somebody asks for a queue which is not there.
    static readonly TimeSpan MissingKept = TimeSpan.FromMinutes(10);

    readonly OldestMessages _oldest = new(cluster.Name, log.Queries);
    readonly Dictionary<string, long> _missing = []; // when they were asked for last; as many as there are names, which is bounded
    QueueNames? _names;
    long _named;
    bool _failed;

    /// <summary>Measures until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            await RoundAsync(stop);
        }
        while (await NextAsync(timer, stop));
    }

    static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    async Task RoundAsync(CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(Patience);
        try
        {
            string[] online = [.. (await log.Queries.WorkersAsync(deadline.Token)).Where(worker => worker.Source == cluster.Name && worker.Online).Select(worker => worker.Name)];
            Instant now = Instant.Now(clock);
            await log.SampleAsync([Sample(SampleKinds.WorkersOnline, "", now, online.Length)], deadline.Token);
            await log.SampleAsync(await MeasureAsync(online, deadline.Token), deadline.Token);
            _failed = false;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The loop sees it.
        }
        catch (Exception problem) when (problem is IOException or BrokerException or StoreException or OperationCanceledException or ObjectDisposedException)
        {
            if (!_failed)
            {
                LogNotMeasured(cluster.Name, problem is OperationCanceledException ? $"no answer within {Patience.TotalSeconds:0} s" : problem.Message);
            }
            _failed = true;
        }
        catch (Exception unforeseen)
        {
            LogStumbled(cluster.Name, unforeseen);
        }
    }

    async Task<IReadOnlyList<Sample>> MeasureAsync(string[] online, CancellationToken cancel)
    {
        if (_names is null || clock.GetElapsedTime(_named) >= NamesKept)
        {
            _names = await QueueNames.AskAsync(cluster, await QueueNames.LoggedAsync(cluster, log.Queries, cancel), online, cancel);
            _named = clock.GetTimestamp();
        }
        IReadOnlyList<QueueStanding> all = await cluster.Queues.ReadAsync([.. _names.Names.Where(IsAsked)], cancel);
        Note(all);
        Instant now = Instant.Now(clock);
        IReadOnlyDictionary<string, IReadOnlyList<TaskMessage>> oldest = await cluster.Queues.OldestAsync([.. all.Where(queue => queue.Length > 0).Select(queue => queue.Name)], cancel);
        var samples = new List<Sample>();
        foreach (QueueStanding queue in all.Where(queue => queue.Length is not null))
        {
            samples.Add(Sample(SampleKinds.QueueLength, queue.Name, now, queue.Length!.Value));
            samples.Add(Sample(SampleKinds.QueueConsumers, queue.Name, now, queue.Consumers ?? _names.ConsumersOf(queue.Name, online)));
            if (queue.Length == 0 || oldest.ContainsKey(queue.Name))
            {
                samples.Add(Sample(SampleKinds.QueueOldestAge, queue.Name, now, await _oldest.AgeAsync(queue.Name, oldest.GetValueOrDefault(queue.Name) ?? [], now, cancel)));
            }
        }
        _oldest.Keep(oldest.Keys);
        return samples;
    }

    bool IsAsked(string queue) => !_missing.TryGetValue(queue, out long asked) || clock.GetElapsedTime(asked) >= MissingKept;

    void Note(IReadOnlyList<QueueStanding> all)
    {
        foreach (QueueStanding queue in all)
        {
            _missing.Remove(queue.Name);
            if (queue.Length is null)
            {
                _missing[queue.Name] = clock.GetTimestamp();
            }
        }
        foreach (string gone in _missing.Keys.Except(_names!.Names).ToArray())
        {
            _missing.Remove(gone);
        }
    }

    Sample Sample(string kind, string queue, Instant at, double value) => new(cluster.Name, kind, queue, at, value);

    [LoggerMessage(2141, LogLevel.Warning, "The queues of {Source} could not be measured: {Problem}. Trying again every 10 s; this is said once.")]
    partial void LogNotMeasured(string source, string problem);

    [LoggerMessage(2142, LogLevel.Error, "Measuring the queues of {Source} stumbled; it goes on in 10 s")]
    partial void LogStumbled(string source, Exception problem);
}
