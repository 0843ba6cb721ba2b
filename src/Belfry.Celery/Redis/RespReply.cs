using System.Buffers.Text;
using System.Text;

namespace Belfry.Celery.Redis;

/// <summary>The reply to a command: a text, a number, a list, an error, or nothing.</summary>
sealed record RespReply
{
    const int DeepestNesting = 8;

    /// <summary>A simple or bulk string.</summary>
    public string? Text { get; init; }

    /// <summary>An integer.</summary>
    public long? Number { get; init; }

    /// <summary>An array.</summary>
    public IReadOnlyList<RespReply>? Items { get; init; }

    /// <summary>An error, as the broker words it.</summary>
    public string? Error { get; init; }

    /// <summary>Reads one reply from the begin of <paramref name="data"/>; false when it is not complete yet.</summary>
    /// <exception cref="RedisException">It is not the protocol of Redis.</exception>
    public static bool TryRead(ReadOnlySpan<byte> data, out RespReply? reply, out int length)
    {
        length = 0;
        return TryRead(data, 0, ref length, out reply);
    }

    static bool TryRead(ReadOnlySpan<byte> data, int depth, ref int position, out RespReply? reply)
    {
        reply = null;
        int end = data[position..].IndexOf("\r\n"u8);
        if (end < 0)
        {
            return false;
        }
        byte type = data[position];
        ReadOnlySpan<byte> line = data.Slice(position + 1, Math.Max(end - 1, 0));
        int next = position + end + 2;
        switch (type)
        {
            case (byte)'+':
                reply = new RespReply { Text = Encoding.UTF8.GetString(line) };
                break;
            case (byte)'-':
                reply = new RespReply { Error = Encoding.UTF8.GetString(line) };
                break;
            case (byte)':':
                reply = new RespReply { Number = NumberOf(line) };
                break;
            case (byte)'$':
                return TryReadBulk(data, (int)NumberOf(line), next, ref position, out reply);
            case (byte)'*' when depth < DeepestNesting:
                return TryReadItems(data, depth, (int)NumberOf(line), next, ref position, out reply);
            default:
                throw new RedisException("the answer is not the protocol of Redis");
        }
        position = next;
        return true;
    }

    static bool TryReadBulk(ReadOnlySpan<byte> data, int length, int next, ref int position, out RespReply? reply)
    {
        reply = length < 0 ? new RespReply() : null;
        if (length >= 0)
        {
            if (data.Length < next + (long)length + 2)
            {
                return false;
            }
            reply = new RespReply { Text = Encoding.UTF8.GetString(data.Slice(next, length)) };
            next += length + 2;
        }
        position = next;
        return true;
    }

    static bool TryReadItems(ReadOnlySpan<byte> data, int depth, int count, int next, ref int position, out RespReply? reply)
    {
        reply = null;
        var items = new List<RespReply>();
        for (int i = 0; i < count; i++)
        {
            if (next >= data.Length || !TryRead(data, depth + 1, ref next, out RespReply? item))
            {
                return false;
            }
            items.Add(item!);
        }
        reply = count < 0 ? new RespReply() : new RespReply { Items = items };
        position = next;
        return true;
    }

    internal static long NumberOf(ReadOnlySpan<byte> line) => Utf8Parser.TryParse(line, out long number, out int used) && used == line.Length
        ? number
        : throw new RedisException("the answer is not the protocol of Redis");
}
