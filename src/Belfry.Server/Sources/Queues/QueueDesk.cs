using Belfry.Celery;
using Belfry.Celery.Queues;
using Belfry.Storage;

namespace Belfry.Server.Sources.Queues;

/// <summary>What pages and programs are told about the queues of all clusters, and what they may do to them.</summary>
sealed class QueueDesk(Clusters clusters, RunLog log, QueueSettings settings, IReadOnlyDictionary<string, string> apps, TimeProvider clock) : IDisposable
{
    const int MostKept = 8; // lists of messages in memory, of up to 100,000 each: the one that is oldest goes
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(4), SampledLately = TimeSpan.FromMinutes(5);

    readonly SemaphoreSlim _listing = new(1); // one list at a time is read from a broker; who comes meanwhile gets the same one
    readonly Dictionary<(string Source, string Queue), (long Read, QueueContents Contents)> _kept = []; // bounded by MostKept

    /// <summary>The clusters.</summary>
    public Clusters Clusters => clusters;

    /// <summary>Applications that are shown under another name.</summary>
    public IReadOnlyDictionary<string, string> Apps => apps;

    /// <summary>So many messages of a queue are listed.</summary>
    public int Limit => settings.Limit;

    /// <summary>How the queues of all clusters stand now. A broker that does not answer is named, and holds up the others for some seconds at most.</summary>
    public async Task<IReadOnlyList<ClusterQueues>> ReadAsync(CancellationToken cancel)
    {
        IReadOnlyList<Sample> samples = await log.Queries.LatestSamplesAsync(null, cancel);
        return await Task.WhenAll(clusters.All.Select(cluster => ReadAsync(cluster, [.. samples.Where(sample => sample.Source == cluster.Name)], cancel)));
    }

    /// <summary>How some queues of a cluster stand now; those that are not there are left out.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">It refused.</exception>
    public async Task<IReadOnlyList<QueueRow>> ReadAsync(Cluster cluster, IReadOnlyCollection<string> queues, CancellationToken cancel)
    {
        Sample[] samples = [.. (await log.Queries.LatestSamplesAsync(null, cancel)).Where(sample => sample.Source == cluster.Name)];
        return [.. (await cluster.Queues.ReadAsync(queues, cancel)).Where(queue => queue.Length is not null).Select(queue => Row(queue, samples))];
    }

    /// <summary>The messages that wait in a queue, as they were at most <see cref="QueueSettings.CacheTime"/> ago.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">It refused.</exception>
    public async Task<QueueContents> ContentsAsync(Cluster cluster, string queue, CancellationToken cancel)
    {
        await _listing.WaitAsync(cancel);
        try
        {
            (string, string) key = (cluster.Name, queue);
            if (_kept.TryGetValue(key, out (long Read, QueueContents Contents) kept) && clock.GetElapsedTime(kept.Read) < settings.CacheTime)
            {
                return kept.Contents;
            }
            QueueContents contents = await ListAsync(cluster, queue, cancel);
            foreach ((string, string) old in _kept.OrderBy(one => one.Value.Read).Select(one => one.Key).Take(Math.Max(0, _kept.Count - MostKept + 1)).ToArray())
            {
                _kept.Remove(old);
            }
            _kept[key] = (clock.GetTimestamp(), contents);
            return contents;
        }
        finally
        {
            _listing.Release();
        }
    }

    /// <summary>Takes messages out.</summary>
    /// <inheritdoc cref="ContentsAsync"/>
    public async Task<QueueRemoval> RemoveAsync(Cluster cluster, string queue, MessageChoice choice, CancellationToken cancel)
    {
        QueueRemoval removal = await QueueOrders.RemoveAsync(cluster, queue, choice, apps, cancel);
        await ForgetAsync(cluster, cancel);
        return removal;
    }

    /// <summary>Moves all that wait in a queue now into another.</summary>
    /// <inheritdoc cref="ContentsAsync"/>
    public async Task<long> MoveAsync(Cluster from, string queue, Cluster to, string target, CancellationToken cancel)
    {
        long moved = await QueueMove.RunAsync(from.Queues, queue, to.Queues, target, null, cancel);
        await ForgetAsync(from, cancel);
        await ForgetAsync(to, cancel);
        return moved;
    }

    /// <inheritdoc/>
    public void Dispose() => _listing.Dispose();

    async Task<ClusterQueues> ReadAsync(Cluster cluster, Sample[] samples, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Patience);
        try
        {
            string[] names = await NamesAsync(cluster, samples, deadline.Token);
            IReadOnlyList<QueueStanding> standings = await cluster.Queues.ReadAsync(names, deadline.Token);
            return new ClusterQueues(cluster, null, [.. standings.Where(queue => queue.Length is not null).Select(queue => Row(queue, samples))]);
        }
        catch (Exception problem) when (problem is IOException or BrokerException || (problem is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return new ClusterQueues(cluster, problem is OperationCanceledException ? $"{cluster.Celery.Broker} did not answer within {Patience.TotalSeconds:0} s" : problem.Message, []);
        }
    }

    /// <summary>As the server measured them lately; else whoever knows is asked.</summary>
    async Task<string[]> NamesAsync(Cluster cluster, Sample[] samples, CancellationToken cancel)
    {
        Instant lately = Instant.Now(clock) - SampledLately;
        string[] measured = [.. samples.Where(sample => sample.Kind == SampleKinds.QueueLength && sample.At > lately).Select(sample => sample.Subject)];
        return measured.Length > 0
            ? [.. measured.Append(cluster.Celery.DefaultQueue).Concat(cluster.Settings.Queues).Distinct().Order(StringComparer.Ordinal)]
            : [.. (await QueueNames.AskAsync(cluster, await QueueNames.LoggedAsync(cluster, log.Queries, cancel), [], cancel)).Names];
    }

    static QueueRow Row(QueueStanding queue, Sample[] samples)
    {
        double? Latest(string kind) => samples.FirstOrDefault(sample => sample.Kind == kind && sample.Subject == queue.Name)?.Value;
        return new QueueRow(queue, queue.Consumers ?? (long?)Latest(SampleKinds.QueueConsumers), queue.Length > 0 ? Latest(SampleKinds.QueueOldestAge) : null);
    }

    async Task<QueueContents> ListAsync(Cluster cluster, string queue, CancellationToken cancel)
    {
        long length = (await cluster.Queues.ReadAsync([queue], cancel))[0].Length ?? 0;
        var names = new Dictionary<string, string>(); // a hundred thousand messages are of a few tasks
        string? Same(string? name) => name is null ? null : names.TryGetValue(name, out string? known) ? known : names[name] = name;
        WaitingMessage[] messages = [.. (await cluster.Queues.PeekAsync(queue, 0, settings.Limit, cancel)).Select(one => new WaitingMessage(
            one.Position, one.Message.Id, Same(one.Message.Task), Same(MessageChoice.AppOf(one.Message.Task, apps)), one.Message.Priority, one.Message.Eta, one.Message.Retries, Same(one.Message.Problem)))];
        return new QueueContents(Instant.Now(clock), Math.Max(length, messages.Length), messages);
    }

    async Task ForgetAsync(Cluster cluster, CancellationToken cancel)
    {
        await _listing.WaitAsync(cancel);
        foreach ((string, string) key in _kept.Keys.Where(key => key.Source == cluster.Name).ToArray())
        {
            _kept.Remove(key);
        }
        _listing.Release();
    }
}

/// <summary>The queues of a cluster.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Problem">Why they are not known; null when they are.</param>
/// <param name="Queues">The queues, by name.</param>
public sealed record ClusterQueues(Cluster Cluster, string? Problem, IReadOnlyList<QueueRow> Queues);

/// <summary>A queue as it is shown.</summary>
/// <param name="Standing">How it stands.</param>
/// <param name="Consumers">How many consume from it; null when that is not known.</param>
/// <param name="OldestAge">How long the oldest message waits, in seconds: an estimate; null when nobody knows.</param>
public sealed record QueueRow(QueueStanding Standing, long? Consumers, double? OldestAge);

/// <summary>The messages that wait in a queue.</summary>
/// <param name="At">As of when.</param>
/// <param name="Length">How many there were; more than are listed, where the limit was reached.</param>
/// <param name="Messages">They, in the order in which they are taken.</param>
public sealed record QueueContents(Instant At, long Length, IReadOnlyList<WaitingMessage> Messages);

/// <summary>A message that waits, in short.</summary>
/// <param name="Position">Its place; 0 is next to be taken.</param>
/// <param name="Id">The run's id.</param>
/// <param name="Task">The task.</param>
/// <param name="App">Its application, as it is shown.</param>
/// <param name="Priority">Its priority as sent.</param>
/// <param name="Eta">Not to be run before.</param>
/// <param name="Retries">How many attempts went before.</param>
/// <param name="Problem">Why not all of it can be read.</param>
public sealed record WaitingMessage(long Position, string? Id, string? Task, string? App, int? Priority, Instant? Eta, int Retries, string? Problem);
