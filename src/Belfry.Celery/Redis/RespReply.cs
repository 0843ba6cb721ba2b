using System.Text;

namespace Belfry.Celery.Redis;

/// <summary>The reply to a command: a text, a number, a list, an error, or nothing.</summary>
sealed record RespReply
{
    /// <summary>A simple or bulk string, as it is.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>The same as text.</summary>
    public string? Text => Bytes is null ? null : Encoding.UTF8.GetString(Bytes);

    /// <summary>An integer.</summary>
    public long? Number { get; init; }

    /// <summary>An array.</summary>
    public IReadOnlyList<RespReply>? Items { get; init; }

    /// <summary>An error, as the broker words it.</summary>
    public string? Error { get; init; }
}
