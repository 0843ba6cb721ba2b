using Belfry.Celery.Events;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Celery.Tests.Events;

/// <summary>A subscription, and all that came out of it so far.</summary>
sealed class Listener : IAsyncDisposable
{
    readonly IEventStream _subscription;
    readonly List<EventBatch> _batches = [];
    Task? _reading;
    int _acknowledged;

    Listener(CeleryCluster cluster, SubscriptionOptions options) =>
        _subscription = EventStreams.Of(cluster, options, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);

    /// <summary>How the connection does.</summary>
    public SubscriptionStatus Status => _subscription.Status;

    /// <summary>Until when all is decoded.</summary>
    public Instant ReadUntil => _subscription.ReadUntil;

    /// <summary>All batches.</summary>
    public IReadOnlyList<EventBatch> Batches
    {
        get
        {
            lock (_batches)
            {
                return [.. _batches];
            }
        }
    }

    /// <summary>All events.</summary>
    public IReadOnlyList<TaskEvent> Events => [.. Batches.SelectMany(batch => batch.Events)];

    /// <summary>How often something was refused.</summary>
    public long Refused(string what) => Batches.Sum(batch => batch.Refused.GetValueOrDefault(what));

    /// <summary>Subscribes, and waits for it unless the test is about what stands in the way; begins to read unless it is about slowness.</summary>
    public static Task<Listener> StartAsync(string url, string prefix = "", SubscriptionOptions? options = null, bool reading = true, bool waiting = true) =>
        StartAsync(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(url), KeyPrefix = prefix }, options, reading, waiting);

    /// <inheritdoc cref="StartAsync(string, string, SubscriptionOptions?, bool, bool)"/>
    public static async Task<Listener> StartAsync(CeleryCluster cluster, SubscriptionOptions? options = null, bool reading = true, bool waiting = true)
    {
        options ??= new SubscriptionOptions { PingInterval = TimeSpan.FromSeconds(0.3) };
        var listener = new Listener(cluster, options);
        if (waiting)
        {
            await Eventually.HoldsAsync("the subscription", () => listener.Status.Listening);
        }
        if (reading)
        {
            listener.Read();
        }
        return listener;
    }

    /// <summary>Acknowledges all that was read so far.</summary>
    public async Task AcknowledgeAsync()
    {
        IReadOnlyList<EventBatch> batches = Batches;
        for (; _acknowledged < batches.Count; _acknowledged++)
        {
            await AcknowledgeAsync(batches[_acknowledged]);
        }
    }

    /// <summary>Acknowledges a batch and those before it.</summary>
    public Task AcknowledgeAsync(EventBatch batch) => _subscription.AcknowledgeAsync(batch);

    /// <summary>Begins to read.</summary>
    public void Read() => _reading = Task.Run(async () =>
    {
        await foreach (EventBatch batch in _subscription.ReadAsync(CancellationToken.None))
        {
            lock (_batches)
            {
                _batches.Add(batch);
            }
        }
    });

    /// <summary>Waits for an event by its id.</summary>
    public Task<TaskEvent> EventAsync(string id) =>
        Eventually.GetAsync($"the event {id}", () => Task.FromResult(Events.FirstOrDefault(item => item.Id == id)));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _subscription.DisposeAsync();
        if (_reading is not null)
        {
            await _reading;
        }
    }
}
