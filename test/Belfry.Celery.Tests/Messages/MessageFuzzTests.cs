using Belfry.Celery.Messages;

namespace Belfry.Celery.Tests.Messages;

/// <summary>Whatever lies in a queue, nothing is thrown: it becomes a message or a reason.</summary>
public sealed class MessageFuzzTests
{
    [Fact]
    public void No_truncation_of_a_message_throws()
    {
        foreach (byte[] raw in Recorded.RawOfRedis("563").Where(IsShort))
        {
            for (int length = 0; length < raw.Length; length++)
            {
                Assert.NotNull(TaskMessage.FromRedis(raw.AsMemory(0, length)).Problem);
            }
        }
    }

    [Fact]
    public void No_changed_bytes_of_a_message_throw()
    {
        var random = new Random(7);
        foreach (byte[] raw in Recorded.RawOfRedis("563").Concat(Recorded.RawOfRedis("526")).Where(IsShort))
        {
            for (int i = 0; i < 300; i++)
            {
                byte[] changed = Changed(raw, random);
                TaskMessage.FromRedis(changed);
                TaskMessage.FromUnacked(changed);
            }
        }
    }

    [Fact]
    public void No_changed_bytes_of_a_body_or_of_its_headers_throw()
    {
        var random = new Random(8);
        foreach (AmqpMessage message in Recorded.OfRabbitMq("563").Concat(Recorded.OfRabbitMq("526")).Where(message => message.Body.Length < 4000))
        {
            for (int i = 0; i < 200; i++)
            {
                TaskMessage.FromAmqp(message with { Body = Changed(message.Body.ToArray(), random) });
                TaskMessage.FromAmqp(message with { Headers = message.Headers.Select(header => KeyValuePair.Create(header.Key, random.Next(8) == 0 ? Strange(random) : header.Value)) });
            }
        }
    }

    static bool IsShort(byte[] raw) => raw.Length < 4000;

    static byte[] Changed(byte[] bytes, Random random)
    {
        byte[] changed = [.. bytes];
        for (int i = random.Next(1, 4); i > 0 && changed.Length > 0; i--)
        {
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
        }
        return changed;
    }

    static object? Strange(Random random) => random.Next(10) switch
    {
        0 => new byte[] { 0xFF, 0xC3, 0x22 }, 1 => long.MinValue, 2 => ulong.MaxValue, 3 => double.NaN, 4 => new List<object?> { null, 1e300, Array.Empty<byte>() },
        5 => new Dictionary<string, object?> { ["\ud800"] = new List<object?>() }, 6 => Endless(100), 7 => true, 8 => 1.5m, _ => null,
    };

    static List<object?> Endless(int depth) => depth == 0 ? [] : [Endless(depth - 1)];
}
