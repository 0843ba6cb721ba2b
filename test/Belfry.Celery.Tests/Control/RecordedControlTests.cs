using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;

namespace Belfry.Celery.Tests.Control;

/// <summary>What Celery's own client and its workers said to each other, recorded.</summary>
public sealed class RecordedControlTests
{
    static readonly CeleryCluster Lab = new() { Source = "lab", Broker = BrokerUrl.Parse("redis://localhost/0") };

    [Theory]
    [InlineData("526")]
    [InlineData("563")]
    public void Every_recorded_reply_over_Redis_is_read_as_what_it_says(string version)
    {
        int read = 0;
        foreach (JsonNode line in Lines($"redis-{version}-pidbox.jsonl").Where(line => line["dir"]!.GetValue<string>() == "reply"))
        {
            string raw = line["raw"]!.GetValue<string>();
            string ticket = JsonNode.Parse(raw)!["headers"]!["ticket"]!.GetValue<string>();
            AssertSame(line["body"]!, ControlReply.Read(raw, ticket));
            Assert.Null(ControlReply.Read(raw, "the ticket of another question"));
            read++;
        }
        Assert.True(read > 40, $"{read} replies");
    }

    [Theory]
    [InlineData("526")]
    [InlineData("563")]
    public void Every_recorded_reply_over_RabbitMQ_is_read_as_what_it_says(string version)
    {
        int read = 0;
        foreach (JsonNode line in Lines($"rabbit-{version}-pidbox.jsonl").Where(line => line["dir"]!.GetValue<string>() == "reply"))
        {
            string body = line["body"]!.GetValue<string>();
            AssertSame(JsonNode.Parse(body)!, ControlReply.ReadBody(Encoding.UTF8.GetBytes(body)));
            read++;
        }
        Assert.True(read > 40, $"{read} replies");
    }

    [Fact]
    public void A_question_is_written_as_Celery_writes_it()
    {
        foreach (JsonNode line in Lines("redis-563-pidbox.jsonl").Where(line => line["dir"]!.GetValue<string>() == "request"))
        {
            JsonNode celery = JsonNode.Parse(line["raw"]!.GetValue<string>())!, body = line["body"]!;
            var request = new ControlRequest(
                body["method"]!.GetValue<string>(), body["arguments"]!.DeepClone().AsObject(), body["destination"]?.AsArray().Select(node => node!.GetValue<string>()).ToArray() ?? [],
                DateTimeOffset.UnixEpoch) { ReplyTo = body["reply_to"]?["routing_key"]?.GetValue<string>(), Ticket = body["ticket"]?.GetValue<string>() };
            if (body["pattern"] is not null)
            {
                continue;
            }
            JsonNode ours = JsonNode.Parse(request.Envelope(Lab))!;
            Assert.True(JsonNode.DeepEquals(body, JsonNode.Parse(Convert.FromBase64String(ours["body"]!.GetValue<string>()))), $"{body}");
            foreach (JsonNode envelope in new[] { celery, ours })
            {
                envelope["body"] = null;
                envelope["headers"]!["expires"] = 0;
                envelope["headers"]!["clock"] = 0;
                envelope["properties"]!["delivery_tag"] = null;
            }
            Assert.True(JsonNode.DeepEquals(celery, ours), $"{celery}\n{ours}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("""{"body": 5, "headers": {"ticket": "t"}}""")]
    [InlineData("""{"body": "%%%", "headers": {"ticket": "t"}, "properties": {"body_encoding": "base64"}}""")]
    [InlineData("""{"body": "{}", "headers": {"ticket": "t"}}""")]
    [InlineData("""{"body": "[1]", "headers": {"ticket": "t"}}""")]
    [InlineData("""{"body": "{", "headers": {"ticket": "t"}}""")]
    [InlineData("""{"headers": "t"}""")]
    public void What_is_no_reply_is_none(string envelope) => Assert.Null(ControlReply.Read(envelope, "t"));

    [Fact]
    public void What_only_Python_takes_for_JSON_is_read()
    {
        ControlReply reply = ControlReply.ReadBody("""{"w@lab": {"load": NaN, "half": "a\ud83d!", "whole": "\ud83d\ude00 \\ud83d"}}"""u8)!;
        Assert.Equal(JsonValueKind.Null, reply.Value.GetProperty("load").ValueKind);
        Assert.Equal("a\ufffd!", reply.Value.GetProperty("half").GetString());
        Assert.Equal("\ud83d\ude00 \\ud83d", reply.Value.GetProperty("whole").GetString());
    }

    [Fact]
    public void Nobody_is_waited_for_once_all_have_answered()
    {
        TimeSpan second = TimeSpan.FromSeconds(1);
        Assert.Null(RemoteControl.Left(["a", "b"], ["a", "b"], 2, second));         // all that are known, all that listen
        Assert.Null(RemoteControl.Left(["a", "b"], ["a", "b"], null, second));      // RabbitMQ does not tell how many listen
        Assert.Null(RemoteControl.Left([], ["a"], 1, second));                      // nobody is known, but only one listens
        Assert.Null(RemoteControl.Left([], ["a"], null, TimeSpan.Zero));            // the time is over
        Assert.Equal(second, RemoteControl.Left([], ["a"], null, second));
        Assert.Equal(second, RemoteControl.Left(["a", "b"], ["a"], 2, second));
        Assert.Equal(second, RemoteControl.Left(["a", "b"], ["a"], null, second));  // RabbitMQ does not tell that nobody else listens
        Assert.InRange(RemoteControl.Left(["a"], ["a"], 2, second)!.Value.TotalMilliseconds, 1, 100); // a stranger gets a moment
        Assert.InRange(RemoteControl.Left(["a", "b"], ["a"], 1, second)!.Value.TotalMilliseconds, 1, 100); // so does one that does not hear us, on Redis
    }

    static void AssertSame(JsonNode expected, ControlReply? reply)
    {
        (string worker, JsonNode? value) = Assert.Single(expected.AsObject());
        Assert.Equal(worker, reply!.Worker);
        Assert.True(JsonNode.DeepEquals(value, JsonNode.Parse(reply.Value.GetRawText())));
    }

    static IEnumerable<JsonNode> Lines(string file) => File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", file)).Select(line => JsonNode.Parse(line)!);
}
