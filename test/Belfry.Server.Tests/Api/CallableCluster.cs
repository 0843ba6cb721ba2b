using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Testing;

[assembly: AssemblyFixture(typeof(SharedRabbit))]

namespace Belfry.Server.Tests.Api;

/// <summary>A cluster of Debian's Celery and a server that watches it: started once for all tests of a class.</summary>
public abstract class CallableCluster : IAsyncLifetime
{
    internal CeleryCluster Cluster { get; private set; } = null!;

    internal ServerHost Server { get; private set; } = null!;

    internal HttpClient Api { get; private set; } = null!;

    /// <summary>A place on the same broker where nobody is.</summary>
    internal abstract string EmptyUrl { get; }

    /// <summary>Where results are kept.</summary>
    internal abstract RedisServer Results { get; }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Cluster = await StartAsync();
        Server = await ServerHost.StartAsync(guarded: true, change: settings =>
            settings.Sources.Add(new SourceSettings { Name = "lab", Broker = Cluster.Url, ResultBackend = Cluster.ResultsUrl }));
        await Server.AddTokenAsync("caller", "caller_token", Scope.Read, Scope.Run, Scope.Manage);
        Api = new HttpClient { BaseAddress = Server.Client.BaseAddress };
        Api.DefaultRequestHeaders.Authorization = new("Bearer", "caller_token");
        await Cluster.StartWorkerAsync();
        await Eventually.HoldsAsync("the worker is known", async () => (await Server.Log.Queries.WorkersAsync(CancellationToken.None)).Any(worker => worker.Online));
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await Server.DisposeAsync();
        await Cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal abstract Task<CeleryCluster> StartAsync();
}

/// <summary>Over Redis.</summary>
public sealed class RedisCallableCluster : CallableCluster
{
    internal override string EmptyUrl => Cluster.Url[..^1] + "9";

    internal override RedisServer Results => Cluster.Redis;

    internal override Task<CeleryCluster> StartAsync() => CeleryCluster.StartAsync(results: CeleryResults.Extended);
}

/// <summary>Over RabbitMQ, with results on a Redis.</summary>
public sealed class RabbitCallableCluster(SharedRabbit shared) : CallableCluster
{
    RedisServer? _results;
    string _empty = "";

    internal override string EmptyUrl => _empty;

    internal override RedisServer Results => _results!;

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_results is not null)
        {
            await _results.DisposeAsync();
        }
    }

    internal override async Task<CeleryCluster> StartAsync()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        (_results, _empty) = (await RedisServer.StartAsync(), rabbit.NewUrl());
        return CeleryCluster.StartOn(rabbit.NewUrl(), _results.Url);
    }
}
