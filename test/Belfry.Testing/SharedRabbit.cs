namespace Belfry.Testing;

/// <summary>One rabbitmq-server for all tests of a run, started when the first asks for it.</summary>
public sealed class SharedRabbit : IAsyncDisposable
{
    readonly Lazy<Task<RabbitServer>> _server = new(() => RabbitServer.StartAsync());

    /// <summary>The server; a test takes a virtual host of its own (<see cref="RabbitServer.NewUrl"/>).</summary>
    public Task<RabbitServer> ServerAsync() => _server.Value;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            await (await _server.Value).DisposeAsync();
        }
    }
}
