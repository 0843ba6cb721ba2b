using Belfry.Celery;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;

namespace Belfry.Server.Sources;

/// <summary>The Celery clusters that are configured.</summary>
/// <param name="sources">Valid ones (<see cref="SourceSettings.Problems(IReadOnlyList{SourceSettings})"/>).</param>
/// <param name="clock">The clock.</param>
public sealed class Clusters(IEnumerable<SourceSettings> sources, TimeProvider clock)
{
    /// <summary>All of them, in the order of the settings.</summary>
    public IReadOnlyList<Cluster> All { get; } = [.. sources.Select(source => new Cluster(source, clock))];

    /// <summary>The one of this name; null when there is none.</summary>
    public Cluster? Find(string? name) => All.FirstOrDefault(cluster => string.Equals(cluster.Name, name, StringComparison.Ordinal));
}

/// <summary>A Celery cluster, and the ways to speak to it.</summary>
/// <param name="settings">How it is configured.</param>
/// <param name="clock">The clock.</param>
public sealed class Cluster(SourceSettings settings, TimeProvider clock)
{
    /// <summary>Its name in the log.</summary>
    public string Name => settings.Name;

    /// <summary>How it is configured.</summary>
    public SourceSettings Settings => settings;

    /// <summary>Its broker, and the names that its applications may have changed.</summary>
    public CeleryCluster Celery { get; } = settings.ToCluster();

    /// <summary>Speaks to its workers.</summary>
    public RemoteControl Control => field ??= new RemoteControl(Celery, clock);

    /// <summary>The queues of its broker.</summary>
    public IBrokerQueues Queues => field ??= BrokerQueues.Of(Celery, clock);

    /// <summary>Where its workers leave results; null when the settings do not say.</summary>
    public IResultBackend? Results => field ??= ResultBackends.Of(Celery, clock);

    /// <summary>The same; where the settings do not say, the Redis that is the broker: applications that name no other mostly keep results there.</summary>
    public IResultBackend? LikelyResults => Results ?? (Celery.Broker.Kind == BrokerKind.Redis ? field ??= new RedisResults(Celery.Broker, Celery.ResultKeyPrefix, clock) : null);

    /// <summary>Which settings of Celery are off there.</summary>
    public FlagWatch Flags => field ??= new FlagWatch(Control, clock);

    /// <summary>Calls its tasks.</summary>
    public TaskCaller Caller => field ??= new TaskCaller(Celery, Queues, Control, Results);
}
