using System.Net;
using System.Net.Sockets;

namespace Belfry.Testing;

/// <summary>A wire between a client and a server of this machine, which a test can cut and mend.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _ending = new();
    readonly Lock _lock = new();
    readonly List<TcpClient> _ends = [];
    readonly int _target;
    Task _accepting = Task.CompletedTask;
    bool _cut;

    TcpProxy(int target) => _target = target;

    /// <summary>Where clients connect.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Starts one.</summary>
    /// <param name="target">The port of the server.</param>
    public static TcpProxy Start(int target)
    {
        var proxy = new TcpProxy(target);
        proxy._listener.Start();
        proxy._accepting = proxy.AcceptAsync();
        return proxy;
    }

    /// <summary>Ends every connection, and every new one at once.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _cut = true;
            _ends.ForEach(end => end.Dispose());
            _ends.Clear();
        }
    }

    /// <summary>Lets connections through again.</summary>
    public void Mend()
    {
        lock (_lock)
        {
            _cut = false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        Cut();
        _listener.Dispose();
        await _accepting;
        _ending.Dispose();
    }

    async Task AcceptAsync()
    {
        var wires = new List<Task>();
        try
        {
            while (!_ending.IsCancellationRequested)
            {
                wires.Add(JoinAsync(await _listener.AcceptTcpClientAsync(_ending.Token)));
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the end
        }
        await Task.WhenAll(wires);
    }

    async Task JoinAsync(TcpClient client)
    {
        using TcpClient near = client;
        using var far = new TcpClient();
        try
        {
            if (Keep(near))
            {
                await far.ConnectAsync(IPAddress.Loopback, _target, _ending.Token);
                if (Keep(far))
                {
                    await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream(), _ending.Token), far.GetStream().CopyToAsync(near.GetStream(), _ending.Token));
                }
            }
        }
        catch (Exception ended) when (ended is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One of the two is gone: both are.
        }
    }

    bool Keep(TcpClient end)
    {
        lock (_lock)
        {
            if (!_cut)
            {
                _ends.Add(end);
            }
            return !_cut;
        }
    }
}
