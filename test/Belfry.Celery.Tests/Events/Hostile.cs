using System.Text;

namespace Belfry.Celery.Tests.Events;

/// <summary>Makes of a good body a bad one.</summary>
static class Hostile
{
    static readonly string[] Values =
    [
        "null", "true", "-1", "1e308", "1e999", "NaN", "-Infinity", "\"\"", "\"\\ud800\"", "[]", "{}", "99999999999999999999", "-62135596801.0", "4e18", "\"1795228936\"", "[[[[[[[[]]]]]]]]",
    ];

    /// <summary>One of many ways, by chance.</summary>
    public static byte[] Of(byte[] body, Random random) => random.Next(7) switch
    {
        0 => body[..random.Next(body.Length)],
        1 => Flipped(body, random),
        2 => Encoding.UTF8.GetBytes(WithOtherValue(Encoding.UTF8.GetString(body), random)),
        3 => Deep(random.Next(2, 5_000)),
        4 => [.. body, .. body],
        5 => [0x80, 0x04, 0x95, .. body],
        _ => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("\"type\"", random.Next(2) == 0 ? "\"typ\"" : "\"type\": 7, \"type\"", StringComparison.Ordinal)),
    };

    static byte[] Flipped(byte[] body, Random random)
    {
        byte[] bytes = [.. body];
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    static string WithOtherValue(string json, Random random)
    {
        int[] colons = [.. Enumerable.Range(0, json.Length - 2).Where(i => json[i] == '"' && json[i + 1] == ':')];
        if (colons.Length == 0)
        {
            return Values[random.Next(Values.Length)];
        }
        int at = colons[random.Next(colons.Length)] + 2;
        int end = json.IndexOfAny([',', '}', ']'], at);
        return json[..at] + " " + Values[random.Next(Values.Length)] + json[(end < 0 ? json.Length : end)..];
    }

    static byte[] Deep(int levels) => Encoding.UTF8.GetBytes($$"""{"type": "task-progress", "uuid": "deep", "timestamp": 1, "extra": {{new string('[', levels)}}{{new string(']', levels)}}}""");
}
