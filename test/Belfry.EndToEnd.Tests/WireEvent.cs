using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Events as a worker would publish them, and others that no worker should.</summary>
static class WireEvent
{
    /// <summary>The channel of workers' events.</summary>
    public const string Channel = "/0.celeryev/task.multi";

    /// <summary>A <c>task-succeeded</c> of a task that nothing else is known of but its name.</summary>
    public static JsonObject Succeeded(string id, double? timestamp = null) => new()
    {
        ["hostname"] = "w9@lab", ["utcoffset"] = 0, ["pid"] = 1, ["clock"] = 1, ["uuid"] = id, ["name"] = "lab.made_up", ["result"] = "'ok'",
        ["runtime"] = 0.5, ["timestamp"] = timestamp ?? TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0, ["type"] = "task-succeeded",
    };

    /// <summary>A timestamp as JSON allows it and no clock would give it.</summary>
    public static byte[] WithTimestamp(JsonObject happened, string timestamp)
    {
        happened["timestamp"] = "@";
        return Envelope(Encoding.UTF8.GetBytes($"[{happened.ToJsonString().Replace("\"@\"", timestamp, StringComparison.Ordinal)}]"));
    }

    /// <summary>The message around a body.</summary>
    public static byte[] Envelope(byte[] body) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$$"""
        {"body": "{{{Convert.ToBase64String(body)}}}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"hostname": "w9@lab"}, "properties": {"delivery_mode": 1, "delivery_info": {"exchange": "celeryev", "routing_key": "task.multi"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "1"}}
        """));

    /// <summary>The message of some events.</summary>
    public static byte[] Message(params JsonObject[] events) => Envelope(Encoding.UTF8.GetBytes(new JsonArray(events).ToJsonString()));

    /// <summary>Publishes a success of a new run and gives its id.</summary>
    public static async Task<string> PublishSuccessAsync(RedisServer redis, int bytesOfResult = 4)
    {
        string id = Guid.NewGuid().ToString();
        JsonObject succeeded = Succeeded(id);
        // Random, so that no compression makes it small.
        succeeded["result"] = Convert.ToHexString(RandomNumberGenerator.GetBytes(bytesOfResult / 2));
        await redis.PublishAsync(Channel, Message(succeeded));
        return id;
    }

    /// <summary>Publishes the whole of a run that succeeds, and tells its id.</summary>
    public static async Task<string> PublishRunAsync(RedisServer redis)
    {
        string id = Guid.NewGuid().ToString();
        JsonObject succeeded = Succeeded(id), started = Succeeded(id, succeeded["timestamp"]!.GetValue<double>() - 0.5);
        started["type"] = "task-started";
        started.Remove("result");
        started.Remove("runtime");
        await redis.PublishAsync(Channel, Message(started));
        await redis.PublishAsync(Channel, Message(succeeded));
        return id;
    }
}
