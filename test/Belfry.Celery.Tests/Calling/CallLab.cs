using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;
using Belfry.Testing;
using Lab = Belfry.Testing.CeleryCluster;

namespace Belfry.Celery.Tests.Calling;

/// <summary>A cluster of Debian's Celery on one of the brokers, with a worker, and our own ways to speak to it: started once for all tests of a class.</summary>
public abstract class CallLab : IAsyncLifetime
{
    internal Lab Celery { get; private set; } = null!;

    internal CeleryCluster Cluster { get; private set; } = null!;

    internal IBrokerQueues Queues { get; private set; } = null!;

    internal IResultBackend Results { get; private set; } = null!;

    internal RemoteControl Control { get; private set; } = null!;

    internal TaskCaller Caller { get; private set; } = null!;

    /// <summary>A place on the same broker where nobody is.</summary>
    internal abstract string EmptyUrl { get; }

    /// <summary>Higher priorities are run first.</summary>
    internal abstract bool HighestIsFirst { get; }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        (Celery, Cluster) = await StartAsync();
        Queues = BrokerQueues.Of(Cluster, TimeProvider.System);
        Results = new RedisResults(BrokerUrl.Parse(Celery.ResultsUrl), "", TimeProvider.System);
        Control = new RemoteControl(Cluster, TimeProvider.System);
        Caller = new TaskCaller(Cluster, Queues, Control, Results);
        await Celery.StartWorkerAsync(new CeleryWorkerOptions { Queues = "celery,reports" });
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await Queues.DisposeAsync();
        await Celery.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal abstract Task<(Lab, CeleryCluster)> StartAsync();
}

/// <summary>Redis, with a prefix before all keys.</summary>
public sealed class RedisCallLab : CallLab
{
    internal override string EmptyUrl => Celery.Url[..^1] + "7";

    internal override bool HighestIsFirst => false;

    internal override async Task<(Lab, CeleryCluster)> StartAsync()
    {
        Lab lab = await Lab.StartAsync(prefix: "app:", results: CeleryResults.Extended);
        return (lab, new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(lab.Url), KeyPrefix = "app:" });
    }
}

/// <summary>RabbitMQ, with queues of priorities, and results on a Redis.</summary>
public sealed class RabbitCallLab(SharedRabbit shared) : CallLab
{
    RedisServer? _results;
    string _empty = "";

    internal override string EmptyUrl => _empty;

    internal override bool HighestIsFirst => true;

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_results is not null)
        {
            await _results.DisposeAsync();
        }
    }

    internal override async Task<(Lab, CeleryCluster)> StartAsync()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        (_results, _empty) = (await RedisServer.StartAsync(), rabbit.NewUrl());
        var lab = Lab.StartOn(rabbit.NewUrl(), _results.Url, new Dictionary<string, string?> { ["LAB_MAX_PRIORITY"] = "10" });
        // The first of the list is down: all that is done here goes to the second.
        return (lab, new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse($"amqp://127.0.0.1:{Machine.FreePort()}//;{lab.Url}") });
    }
}
