namespace Belfry.Celery.Redis;

/// <summary>What a subscribed connection receives, one at a time, found without copying.</summary>
readonly ref struct PubSubFrame
{
    /// <summary>Bytes of the whole frame. Of an incomplete one: how many it has at least.</summary>
    public int Length { get; private init; }

    /// <summary>All of it is there.</summary>
    public bool Complete { get; private init; }

    /// <summary><c>pmessage</c>, <c>message</c>, <c>psubscribe</c>, <c>subscribe</c>, <c>pong</c> …; empty for an error.</summary>
    public ReadOnlySpan<byte> Kind { get; private init; }

    /// <summary>The last element: what was published, or the text of an error.</summary>
    public ReadOnlySpan<byte> Payload { get; private init; }

    /// <summary>It carries a message.</summary>
    public bool IsMessage => Kind.SequenceEqual("pmessage"u8) || Kind.SequenceEqual("message"u8);

    /// <summary>The broker refused a command.</summary>
    public bool IsError => Complete && Kind.IsEmpty;

    /// <summary>Reads the frame at the begin of <paramref name="data"/>.</summary>
    /// <exception cref="RedisException">It is not the protocol of Redis.</exception>
    public static PubSubFrame Read(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return default;
        }
        int position = 0;
        if (!TryHeader(data, ref position, out byte type, out ReadOnlySpan<byte> line))
        {
            return new PubSubFrame { Length = data.Length + 1 };
        }
        return type switch
        {
            (byte)'*' => ReadItems(data, position, (int)RespReader.NumberOf(line)),
            (byte)'-' => new PubSubFrame { Complete = true, Length = position, Payload = line },
            (byte)'+' => new PubSubFrame { Complete = true, Length = position, Kind = "status"u8, Payload = line },
            _ => throw new RedisException("the answer is not the protocol of Redis"),
        };
    }

    static PubSubFrame ReadItems(ReadOnlySpan<byte> data, int position, int count)
    {
        ReadOnlySpan<byte> kind = default, last = default;
        for (int i = 0; i < count; i++)
        {
            if (!TryHeader(data, ref position, out byte type, out last))
            {
                return new PubSubFrame { Length = data.Length + 1 };
            }
            if (type == '$')
            {
                int length = (int)RespReader.NumberOf(last);
                last = default;
                if (length >= 0)
                {
                    if (data.Length - position - 2 < length)
                    {
                        return new PubSubFrame { Length = (int)Math.Min(position + 2L + length, int.MaxValue) };
                    }
                    last = data.Slice(position, length);
                    position += length + 2;
                }
            }
            kind = i == 0 ? last : kind;
        }
        return new PubSubFrame { Complete = true, Length = position, Kind = kind, Payload = last };
    }

    static bool TryHeader(ReadOnlySpan<byte> data, scoped ref int position, out byte type, out ReadOnlySpan<byte> line)
    {
        const int longestLine = 64 * 1024;
        ReadOnlySpan<byte> rest = data[position..];
        int end = rest.IndexOf((byte)'\n');
        type = rest.IsEmpty ? (byte)0 : rest[0];
        if (end < 0)
        {
            line = default;
            return rest.Length <= longestLine ? false : throw new RedisException("the answer is not the protocol of Redis");
        }
        line = end >= 2 ? rest[1..(end - 1)] : default;
        position += end + 1;
        return true;
    }
}
