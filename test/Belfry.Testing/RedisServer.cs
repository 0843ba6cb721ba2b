using System.Net.Sockets;
using System.Text;

namespace Belfry.Testing;

/// <summary>A redis-server of the test's own, on a free port and a unix socket, gone at its end.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    readonly TempFolder _folder = new();
    readonly string[] _options;
    ChildProcess? _process;

    RedisServer(int port, string[] options) => (Port, _options) = (port, options);

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>Its URL.</summary>
    public string Url => $"redis://127.0.0.1:{Port}/0";

    /// <summary>Its unix socket.</summary>
    public string Socket => _folder.File("redis.sock");

    /// <summary>Its process id.</summary>
    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("redis-server is stopped");

    /// <summary>Starts one.</summary>
    /// <param name="options">Further options as on redis-server's command line: <c>--requirepass</c>, <c>secret</c> …</param>
    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        var server = new RedisServer(Machine.FreePort(), options);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it on the same port, after <see cref="StopAsync"/>.</summary>
    public async Task StartAgainAsync()
    {
        string[] own =
        [
            "--bind", "127.0.0.1", "--port", Port.ToString(), "--unixsocket", Socket, "--dir", _folder.Path,
            "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice",
        ];
        _process = ChildProcess.Start("redis-server", [.. own, .. _options], _folder.Path);
        await _process.LineAsync(line => line.Contains("Ready to accept connections", StringComparison.Ordinal)
            || line.Contains("The server is now ready", StringComparison.Ordinal));
    }

    /// <summary>Kills it; what it held is gone.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
        }
    }

    /// <summary>Sends a command and gives the first line of the answer, without its type.</summary>
    public async Task<string> AskAsync(params byte[][] command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encode(command));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        string line = await reader.ReadLineAsync() ?? throw new IOException("redis-server closed the connection");
        return line[0] == '-' ? throw new IOException(line) : line[1..];
    }

    /// <summary>Sends a command of words.</summary>
    public Task<string> AskAsync(params string[] command) => AskAsync(Array.ConvertAll(command, Encoding.UTF8.GetBytes));

    /// <summary>Publishes to a channel, and tells how many heard it.</summary>
    public async Task<int> PublishAsync(string channel, byte[] message) =>
        int.Parse(await AskAsync("PUBLISH"u8.ToArray(), Encoding.UTF8.GetBytes(channel), message));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    static byte[] Encode(byte[][] command)
    {
        using var bytes = new MemoryStream();
        bytes.Write(Encoding.ASCII.GetBytes($"*{command.Length}\r\n"));
        foreach (byte[] word in command)
        {
            bytes.Write(Encoding.ASCII.GetBytes($"${word.Length}\r\n"));
            bytes.Write(word);
            bytes.Write("\r\n"u8);
        }
        return bytes.ToArray();
    }
}
