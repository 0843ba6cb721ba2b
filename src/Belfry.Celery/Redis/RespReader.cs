using System.Buffers.Text;
using System.Text;

namespace Belfry.Celery.Redis;

/// <summary>Reads replies one after the other, each as soon as it is there, however large.</summary>
sealed class RespReader(Stream stream)
{
    const int DeepestNesting = 8;
    const int LongestLine = 64 * 1024;
    const int LongestBulk = 512 * 1024 * 1024; // what Redis itself takes at most

    byte[] _buffer = new byte[16 * 1024];
    int _from, _to;

    /// <summary>The next reply; waits for it.</summary>
    /// <exception cref="RedisException">It is not the protocol of Redis.</exception>
    /// <exception cref="IOException">The broker closed.</exception>
    public RespReply Read() => Read(0);

    RespReply Read(int depth)
    {
        ReadOnlySpan<byte> line = ReadLine();
        byte type = line.IsEmpty ? (byte)0 : line[0];
        line = line.IsEmpty ? line : line[1..];
        return type switch
        {
            (byte)'+' => new RespReply { Bytes = line.ToArray() },
            (byte)'-' => new RespReply { Error = Encoding.UTF8.GetString(line) },
            (byte)':' => new RespReply { Number = NumberOf(line) },
            (byte)'$' => new RespReply { Bytes = ReadBulk(NumberOf(line)) },
            (byte)'*' when depth < DeepestNesting => new RespReply { Items = ReadItems(NumberOf(line), depth) },
            _ => throw Unknown(),
        };
    }

    List<RespReply>? ReadItems(long count, int depth)
    {
        if (count < 0)
        {
            return null;
        }
        var items = new List<RespReply>();
        for (long i = 0; i < count; i++)
        {
            items.Add(Read(depth + 1));
        }
        return items;
    }

    byte[]? ReadBulk(long length)
    {
        if (length is < 0 or > LongestBulk)
        {
            return length < 0 ? null : throw Unknown();
        }
        byte[] bulk = new byte[length];
        int had = Math.Min(bulk.Length, _to - _from);
        _buffer.AsSpan(_from, had).CopyTo(bulk);
        _from += had;
        for (int read = had; read < bulk.Length;)
        {
            read += Received(stream.Read(bulk.AsSpan(read)));
        }
        ReadLine(); // its end
        return bulk;
    }

    /// <summary>A line without its end; it is there until the next read.</summary>
    ReadOnlySpan<byte> ReadLine()
    {
        int searched = 0;
        while (true)
        {
            int end = _buffer.AsSpan(_from + searched, _to - _from - searched).IndexOf((byte)'\n');
            if (end >= 0)
            {
                ReadOnlySpan<byte> line = _buffer.AsSpan(_from, searched + end);
                _from += searched + end + 1;
                return line.EndsWith("\r"u8) ? line[..^1] : throw Unknown();
            }
            searched = _to - _from;
            ReadMore();
        }
    }

    void ReadMore()
    {
        _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
        (_from, _to) = (0, _to - _from);
        if (_to == _buffer.Length)
        {
            Array.Resize(ref _buffer, _to < LongestLine ? _to * 2 : throw Unknown());
        }
        _to += Received(stream.Read(_buffer.AsSpan(_to)));
    }

    static int Received(int bytes) => bytes > 0 ? bytes : throw new IOException("the broker closed the connection");

    internal static long NumberOf(ReadOnlySpan<byte> line) => Utf8Parser.TryParse(line, out long number, out int used) && used == line.Length ? number : throw Unknown();

    static RedisException Unknown() => new("the answer is not the protocol of Redis");
}
