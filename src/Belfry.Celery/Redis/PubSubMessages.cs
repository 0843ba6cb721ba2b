using System.Net.Sockets;

namespace Belfry.Celery.Redis;

/// <summary>What a connection that has subscribed hears, one at a time; for a few messages. The stream of events has a reader of its own.</summary>
sealed class PubSubMessages(RedisConnection connection)
{
    const int Longest = 64 * 1024 * 1024;

    byte[] _buffer = new byte[16 * 1024];
    int _filled;

    /// <summary>The next message; empty when it is the answer to a subscription; null when none came in time.</summary>
    /// <exception cref="RedisException">The broker refused the subscription.</exception>
    /// <exception cref="IOException">The connection was lost.</exception>
    public ReadOnlyMemory<byte>? Next(TimeSpan timeout)
    {
        PubSubFrame frame = PubSubFrame.Read(_buffer.AsSpan(0, _filled));
        while (!frame.Complete)
        {
            if (frame.Length > Longest)
            {
                throw new IOException($"a message over {Longest} bytes");
            }
            if (!TryFill(Math.Max(frame.Length, _filled + 1), timeout))
            {
                return null;
            }
            frame = PubSubFrame.Read(_buffer.AsSpan(0, _filled));
        }
        if (frame.IsError)
        {
            throw new RedisException($"SUBSCRIBE: {System.Text.Encoding.UTF8.GetString(frame.Payload)}");
        }
        byte[] message = frame.IsMessage ? frame.Payload.ToArray() : [];
        _buffer.AsSpan(frame.Length, _filled - frame.Length).CopyTo(_buffer);
        _filled -= frame.Length;
        return message;
    }

    bool TryFill(int atLeast, TimeSpan timeout)
    {
        if (_buffer.Length < atLeast)
        {
            Array.Resize(ref _buffer, atLeast * 2);
        }
        connection.ReadTimeout = timeout > TimeSpan.FromMilliseconds(1) ? timeout : TimeSpan.FromMilliseconds(1);
        try
        {
            int read = connection.Read(_buffer.AsSpan(_filled));
            _filled += read > 0 ? read : throw new IOException("the broker closed the connection");
            return true;
        }
        catch (IOException late) when (late.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock })
        {
            return false;
        }
    }
}
