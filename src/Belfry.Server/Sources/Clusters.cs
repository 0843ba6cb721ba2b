using Belfry.Celery;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;

namespace Belfry.Server.Sources;

/// <summary>The Celery clusters that are configured.</summary>
/// <param name="sources">Valid ones (<see cref="SourceSettings.Problems(IReadOnlyList{SourceSettings})"/>).</param>
/// <param name="clock">The clock.</param>
public sealed class Clusters(IEnumerable<SourceSettings> sources, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>All of them, in the order of the settings.</summary>
    public IReadOnlyList<Cluster> All { get; } = [.. sources.Select(source => new Cluster(source, clock))];

    /// <summary>The one of this name; null when there is none.</summary>
    public Cluster? Find(string? name) => All.FirstOrDefault(cluster => string.Equals(cluster.Name, name, StringComparison.Ordinal));

    /// <summary>Closes the connections that they hold.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (Cluster cluster in All)
        {
            await cluster.DisposeAsync();
        }
    }
}

/// <summary>A Celery cluster, and the ways to speak to it. Each is made when it is first needed, once for all who need it: some hold a connection.</summary>
public sealed class Cluster : IAsyncDisposable
{
    readonly Lazy<IBrokerQueues> _queues;
    readonly Lazy<IResultBackend?> _results, _likelyResults;

    /// <summary>Connects nowhere yet.</summary>
    /// <param name="settings">How it is configured.</param>
    /// <param name="clock">The clock.</param>
    public Cluster(SourceSettings settings, TimeProvider clock)
    {
        (Settings, Celery) = (settings, settings.ToCluster());
        Control = new RemoteControl(Celery, clock);
        Flags = new FlagWatch(Control, clock);
        _queues = new Lazy<IBrokerQueues>(() => BrokerQueues.Of(Celery, clock));
        _results = new Lazy<IResultBackend?>(() => ResultBackends.Of(Celery, clock));
        _likelyResults = new Lazy<IResultBackend?>(() => Results ?? (Celery.Broker.Kind == BrokerKind.Redis ? new RedisResults(Celery.Broker, Celery.ResultKeyPrefix, clock) : null));
    }

    /// <summary>Its name in the log.</summary>
    public string Name => Settings.Name;

    /// <summary>How it is configured.</summary>
    public SourceSettings Settings { get; }

    /// <summary>Its broker, and the names that its applications may have changed.</summary>
    public CeleryCluster Celery { get; }

    /// <summary>Speaks to its workers.</summary>
    public RemoteControl Control { get; }

    /// <summary>The queues of its broker.</summary>
    public IBrokerQueues Queues => _queues.Value;

    /// <summary>Where its workers leave results; null when the settings do not say.</summary>
    public IResultBackend? Results => _results.Value;

    /// <summary>The same; where the settings do not say, the Redis that is the broker: applications that name no other mostly keep results there.</summary>
    public IResultBackend? LikelyResults => _likelyResults.Value;

    /// <summary>Which settings of Celery are off there.</summary>
    public FlagWatch Flags { get; }

    /// <summary>Calls its tasks.</summary>
    public TaskCaller Caller => new(Celery, Queues, Control, Results);

    /// <summary>Closes the connections that it holds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_queues.IsValueCreated)
        {
            await _queues.Value.DisposeAsync();
        }
        if (_results.IsValueCreated && _results.Value is IAsyncDisposable results)
        {
            await results.DisposeAsync();
        }
    }
}
