using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Messages;
using Belfry.Celery.Tests.Events;

namespace Belfry.Celery.Tests.Messages;

public sealed class TaskMessageTests
{
    [Theory]
    [MemberData(nameof(Recorded.Files), MemberType = typeof(Recorded))]
    public void Every_recorded_message_is_read_field_for_field(string file)
    {
        IReadOnlyList<Recorded> messages = Recorded.All(file);
        Assert.True(messages.Count > 40);
        foreach (Recorded message in messages)
        {
            AssertHeaders(message);
            AssertBody(message);
        }
    }

    [Theory]
    [MemberData(nameof(Recorded.Files), MemberType = typeof(Recorded))]
    public void A_body_under_compression_is_read_and_a_pickle_is_not(string file)
    {
        IReadOnlyList<Recorded> messages = Recorded.All(file);
        TaskMessage packed = messages.Single(message => message.Scenario == "compressed").Read;
        Assert.Equal(("application/x-gzip", null), (packed.Compression, packed.Problem));
        Assert.StartsWith("[\"", packed.Args, StringComparison.Ordinal);
        TaskMessage pickled = messages.Single(message => message.Scenario == "pickled").Read;
        Assert.Equal((null, null, "arguments as pickle, which is never read"), (pickled.Args, pickled.Kwargs, pickled.Problem));
        Assert.Equal(("lab.picklres", "application/x-python-serialize"), (pickled.Task, pickled.ContentType));
        Assert.StartsWith("(datetime.timedelta", pickled.ArgsRepr, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_of_the_application_are_kept()
    {
        TaskMessage message = Recorded.All("redis-563").Single(message => message.Scenario == "headers").Read;
        JsonObject extra = JsonNode.Parse(message.Extra!)!.AsObject();
        Assert.Equal(["tenant", "trace"], extra.Select(header => header.Key).Order());
    }

    [Fact]
    public void What_a_worker_holds_is_read_from_its_place_among_the_unacknowledged()
    {
        string value = File.ReadLines(Samples.File("redis-563-unacked.jsonl")).Select(line => JsonNode.Parse(line)!["cmd"]!.AsArray())
            .First(command => (string)command[0]! == "HSET")[3]!.GetValue<string>();
        TaskMessage message = TaskMessage.FromUnacked(Encoding.UTF8.GetBytes(value));
        Assert.Equal(("lab.add", "[2, 3]", "{}", "celery", null), (message.Task, message.Args, message.Kwargs, message.RoutingKey, message.Problem));
        Assert.Equal("c023106a-6b9d-4aa5-bf96-84a21c0fd61a", message.DeliveryTag);
    }

    [Fact]
    public void Protocol_1_has_all_in_its_body()
    {
        TaskMessage message = Enveloped("""
            {"task": "lab.add", "id": "11111111-2222-3333-4444-555555555555", "args": [2, 3], "kwargs": {"z": NaN}, "group": null, "group_index": null,
            "retries": 2, "eta": "2026-11-21T02:01:00", "expires": "2026-11-21T03:00:00+00:00", "utc": true, "callbacks": null, "errbacks": null,
            "timelimit": [30, 20], "taskset": "g1", "chord": null}
            """);
        Assert.Equal((1, "lab.add", "11111111-2222-3333-4444-555555555555", null), (message.Protocol, message.Task, message.Id, message.Problem));
        Assert.Equal(("[2, 3]", """{"z": NaN}""", 2, "g1"), (message.Args, message.Kwargs, message.Retries, message.Group));
        Assert.Equal(("2026-11-21T02:01:00.000000Z", "2026-11-21T03:00:00.000000Z"), (message.Eta.ToString(), message.Expires.ToString()));
        Assert.Equal((30, 20), (message.TimeLimit, message.SoftTimeLimit));
        Assert.Equal("""{"callbacks": null, "errbacks": null, "chord": null}""", message.Embed);
    }

    [Fact]
    public void Numbers_that_only_Python_knows_stay_what_they_were()
    {
        TaskMessage message = Enveloped("""[[NaN, "NaN, \"Infinity", -Infinity, 1e400, 12345678901234567890123], {"a": [Infinity]}, {}]""", """{"task": "t", "id": "a"}""");
        Assert.Equal("""[NaN, "NaN, \"Infinity", -Infinity, 1e400, 12345678901234567890123]""", message.Args);
        Assert.Equal("""{"a": [Infinity]}""", message.Kwargs);
    }

    [Theory]
    [InlineData("not json at all", "value that is not JSON")]
    [InlineData("", "value that is not JSON")]
    [InlineData("[]", "value that is no message")]
    [InlineData("17", "value that is no message")]
    [InlineData("{}", "message without a body")]
    [InlineData("""{"body": "%%%", "headers": {"task": "t", "id": "a"}, "properties": {"body_encoding": "base64"}}""", "body that is not base64")]
    [InlineData("""{"body": "W1tdLHt9LHt9X", "headers": {"task": "t", "id": "a"}, "properties": {"body_encoding": "base64"}}""", "body that is not base64")]
    [InlineData("""{"body": "[[1], {}", "headers": {"task": "t", "id": "a"}}""", "body that is not JSON")]
    [InlineData("""{"body": "{}", "headers": {}}""", "message of no task")]
    [InlineData("""{"body": "[[], {}, {}]", "headers": {"task": ["t"], "id": 7}}""", "message of no task")]
    [InlineData("""{"body": "[[], {}, {}]", "headers": {"task": "t", "id": 7}}""", "message without an id")]
    [InlineData("""{"body": "[{}, []]", "headers": {"task": "t", "id": "a"}}""", "body without arguments")]
    [InlineData("""{"body": "{\"task\": \"t\", \"id\": \"a\", \"args\": 7}", "headers": {}}""", "body without arguments")]
    [InlineData("""{"body": "x", "content-type": "application/x-yaml", "headers": {"task": "t", "id": "a"}}""", "arguments as YAML, which is never read")]
    [InlineData("""{"body": "x", "content-type": "application/x-msgpack", "headers": {"task": "t", "id": "a"}}""", "arguments as msgpack, which is never read")]
    [InlineData("""{"body": "x", "content-encoding": "utf-16", "headers": {"task": "t", "id": "a"}}""", "body in utf-16")]
    [InlineData("""{"body": "x", "headers": {"task": "t", "id": "a", "compression": "application/x-bz2"}}""", "body compressed as application/x-bz2")]
    [InlineData("""{"body": "not zlib", "headers": {"task": "t", "id": "a", "compression": "application/x-gzip"}}""", "body that is not compressed as it says")]
    [InlineData("""{"body": "[[], {}, {}]", "headers": {"task": "t", "id": "a", "\ud800": 1}}""", "name that is no Unicode")]
    public void What_cannot_be_read_says_why(string value, string problem) => Assert.Equal(problem, TaskMessage.FromRedis(Encoding.UTF8.GetBytes(value)).Problem);

    [Fact]
    public void Wrong_types_and_huge_numbers_count_as_absent()
    {
        TaskMessage message = TaskMessage.FromRedis(Encoding.UTF8.GetBytes("""
            {"body": "[[], {}, {}]", "content-type": 7, "content-encoding": null, "headers": {"task": "t", "id": "a", "eta": "tomorrow", "expires": 1e308,
            "retries": 99999999999999999999, "timelimit": [1e400], "group": {}, "parent_id": "a", "root_id": [], "argsrepr": 5, "shadow": ""},
            "properties": {"priority": "high", "delivery_info": [], "delivery_tag": 1, "reply_to": {}}}
            """));
        Assert.Equal(("a", "t", null, "[]", 0), (message.Id, message.Task, message.Problem, message.Args, message.Retries));
        Assert.Equal((null, null, null, null, null), (message.Eta, message.TimeLimit, message.Parent, message.Priority, message.ReplyTo));
        Assert.Equal(long.MaxValue, message.Expires!.Value.Micros);
    }

    [Fact]
    public void A_body_may_be_nested_deeply_but_not_without_end()
    {
        static string Nested(int depth) => $"[[{new string('[', depth)}{new string(']', depth)}], {{}}, {{}}]";
        Assert.Null(Enveloped(Nested(400), """{"task": "t", "id": "a"}""").Problem);
        Assert.Equal("body that is not JSON", Enveloped(Nested(100_000), """{"task": "t", "id": "a"}""").Problem);
        Assert.Equal("value that is not JSON", TaskMessage.FromRedis(Encoding.UTF8.GetBytes(new string('[', 100_000))).Problem);
    }

    [Fact]
    public void A_large_argument_passes_whole_and_a_bomb_does_not()
    {
        string megabyte = new('✗', 1024 * 1024);
        Assert.Equal($"[\"{megabyte}\"]", Enveloped($"[[\"{megabyte}\"], {{}}, {{}}]", """{"task": "t", "id": "a"}""").Args);
        using var packed = new MemoryStream();
        using (var zlib = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionLevel.Fastest))
        {
            zlib.Write(new byte[MessageBody.MostBytes + 1]);
        }
        var bomb = new AmqpMessage
        {
            Body = packed.ToArray(), ContentType = "application/json",
            Headers = new Dictionary<string, object?> { ["task"] = "t", ["id"] = "a", ["compression"] = "application/x-gzip" },
        };
        Assert.Equal($"body over {MessageBody.MostBytes} bytes", TaskMessage.FromAmqp(bomb).Problem);
    }

    static TaskMessage Enveloped(string body, string headers = "{}") => TaskMessage.FromRedis(Encoding.UTF8.GetBytes($$$"""
        {"body": "{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(body))}}}", "content-encoding": "utf-8", "content-type": "application/json",
        "headers": {{{headers}}}, "properties": {"body_encoding": "base64", "priority": 0}}
        """));

    static void AssertHeaders(Recorded message)
    {
        (TaskMessage read, JsonObject sent) = (message.Read, message.Headers);
        Assert.Equal(2, read.Protocol);
        string?[] expected = [.. new[] { "id", "task", "root_id", "group", "argsrepr", "kwargsrepr", "shadow", "origin", "compression" }.Select(name => (string?)sent[name])];
        string?[] actual = [read.Id, read.Task, read.Root, read.Group, read.ArgsRepr, read.KwargsRepr, read.Shadow, read.Origin, read.Compression];
        Assert.Equal(expected, actual);
        Assert.Equal((string?)sent["parent_id"] == read.Id ? null : (string?)sent["parent_id"], read.Parent);
        Assert.Equal((int)sent["retries"]!, read.Retries);
        Assert.Equal((Time(sent["eta"]), Time(sent["expires"])), (read.Eta, read.Expires));
        Assert.Equal(((double?)sent["timelimit"]![0], (double?)sent["timelimit"]![1]), (read.TimeLimit, read.SoftTimeLimit));
        Assert.Equal((bool?)sent["ignore_result"] ?? false, read.IgnoreResult);
        JsonObject properties = message.Properties, route = properties["delivery_info"]!.AsObject();
        Assert.Equal(((int?)properties["priority"], (string?)route["exchange"], (string?)route["routing_key"]), (read.Priority, read.Exchange, read.RoutingKey));
        Assert.Equal(((string?)properties["reply_to"], (string?)properties["delivery_tag"]), (read.ReplyTo, read.DeliveryTag));
    }

    static void AssertBody(Recorded message)
    {
        if (message.Body is not JsonArray body)
        {
            return;
        }
        Assert.Null(message.Read.Problem);
        string?[] read = [message.Read.Args, message.Read.Kwargs, message.Read.Embed];
        Assert.All(read.Zip(body), pair => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(pair.First!), pair.Second), $"{pair.First} is not {pair.Second}"));
    }

    static Instant? Time(JsonNode? sent) => sent is null ? null : Instant.From(DateTimeOffset.Parse((string)sent!, null, System.Globalization.DateTimeStyles.AssumeUniversal));
}
