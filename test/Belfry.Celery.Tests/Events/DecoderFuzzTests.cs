using Belfry.Celery.Events;
using Belfry.Celery.Redis;

namespace Belfry.Celery.Tests.Events;

/// <summary>Whatever arrives, nothing is thrown at the stream: it becomes events or counts.</summary>
public sealed class DecoderFuzzTests
{
    [Fact]
    public void No_truncation_of_a_message_stops_the_stream()
    {
        var decoder = new EventDecoder("lab");
        foreach ((byte[] raw, _) in Samples.OnePerType("563"))
        {
            for (int length = 0; length < raw.Length; length++)
            {
                var batch = new EventBatch();
                decoder.Decode(raw.AsSpan(0, length), Samples.Arrived, batch);
                Assert.NotEmpty(batch.Refused);
            }
        }
    }

    [Fact]
    public void No_flipped_bit_of_a_message_stops_the_stream()
    {
        var decoder = new EventDecoder("lab");
        foreach ((byte[] raw, _) in Samples.OnePerType("563"))
        {
            FlipEachBit(raw, bytes => decoder.Decode(bytes, Samples.Arrived, new EventBatch()));
        }
    }

    [Fact]
    public void No_flipped_bit_of_a_body_stops_the_stream()
    {
        var decoder = new EventDecoder("lab");
        foreach ((_, var body) in Samples.OnePerType("526"))
        {
            FlipEachBit(System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()), bytes => decoder.ReadEvents(bytes, Samples.Arrived, new EventBatch()));
        }
    }

    [Fact]
    public void Bytes_that_are_not_the_protocol_are_refused_or_waited_for()
    {
        var random = new Random(7);
        byte[] frame = [.. "*4\r\n$8\r\npmessage\r\n$14\r\n/0.celeryev/*1\r\n$12\r\n/0.celeryev/"u8, .. "x\r\n$3\r\nabc\r\n"u8];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. frame];
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                PubSubFrame.Read(bytes.AsSpan(0, random.Next(bytes.Length + 1)));
            }
            catch (RedisException)
            {
                // The answer to what is not the protocol: the connection is given up.
            }
        }
    }

    static void FlipEachBit(byte[] bytes, Action<byte[]> read)
    {
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            read(bytes);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
