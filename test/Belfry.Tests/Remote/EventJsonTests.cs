using System.Buffers;
using System.Text.Json;
using Belfry.Tests.Folding;

namespace Belfry.Tests.Remote;

/// <summary>Events in JSON, both ways.</summary>
public sealed class EventJsonTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_is_written_is_read_again(int seed)
    {
        var random = new Random(seed);
        foreach (TaskEvent item in Enumerable.Range(0, 200).SelectMany(n => Lives.Random(random, $"id-{n}")).Select(item => item.Kind == EventKind.Submitted ? item with { Task = item.Task ?? "t" } : item))
        {
            // What reconciliation found out is the server's own finding: nobody can send it.
            Assert.Equal(item with { Reconciled = false, Until = null }, Again(item));
        }
    }

    [Fact]
    public void Every_field_arrives_and_unknown_ones_are_kept()
    {
        TaskEvent item = new()
        {
            Source = "s\u0000\"", Id = "ü/\n1", Kind = EventKind.Failed, At = new Instant(1_795_000_000_123_456), Attempt = 3, Worker = "w", Task = "t", Queue = "q", Args = "[1,\"x\"]",
            Kwargs = "{'a': 1}", Result = "null", Exception = "E(1)", Traceback = "line\nline", Runtime = 1.5, Percent = 33.3, Text = "half", Reason = "r", Eta = new Instant(1), Expires = new Instant(-1),
            Priority = -5, Parent = "p", Root = "o", App = "shop", Context = new RunContext("m", null, "7"), Extra = """{"new":{"deep":[1,2]},"other":null}""",
        };
        Assert.Equal(item, Again(item));
        Assert.Equal("""{"percentage":5}""", Read("""{"id": "1", "kind": "progress", "at": 1795000000.25, "percentage": 5}""").Extra);
        Assert.Equal(new Instant(1_795_000_000_250_000), Read("""{"id": 1, "kind": "progress", "at": 1795000000.25}""").At);
        Assert.Equal("""[1, {"a": 2}]""", Read("""{"id": "1", "kind": "started", "at": "2026-11-20T10:00:00Z", "args": [1, {"a": 2}]}""").Args);
        Assert.Equal("usual", Read("""{"id": "1", "kind": "started", "at": "2026-11-20T10:00:00+01:00", "source": null}""").Source);
    }

    [Fact]
    public void A_text_that_is_no_Unicode_is_sent_as_far_as_it_is() =>
        Assert.Equal("a\uFFFDb\uFFFD", Again(new TaskEvent { Source = "s", Id = "1", Kind = EventKind.Succeeded, At = new Instant(1), Result = "a\ud800b\udc00" }).Result);

    [Theory]
    [InlineData("""[]""", "")]
    [InlineData("""{"kind": "started", "at": 1}""", "id")]
    [InlineData("""{"id": "1", "at": 1}""", "kind")]
    [InlineData("""{"id": "1", "kind": "begun", "at": 1}""", "kind")]
    [InlineData("""{"id": "1", "kind": "started"}""", "at")]
    [InlineData("""{"id": "1", "kind": "started", "at": "yesterday"}""", "at")]
    [InlineData("""{"id": "1", "kind": "started", "at": "2026-11-20T10:00:00"}""", "at")]
    [InlineData("""{"id": "1", "kind": "submitted", "at": 1}""", "task")]
    [InlineData("""{"id": "1", "kind": "started", "at": 1, "attempt": 0}""", "attempt")]
    [InlineData("""{"id": "1", "kind": "started", "at": 1, "runtime": "5s"}""", "runtime")]
    [InlineData("""{"id": "1", "kind": "started", "at": 1, "task": ["t"]}""", "task")]
    [InlineData("""{"id": "1", "kind": "started", "at": 1, "context": "m"}""", "context")]
    [InlineData("""{"id": "1", "kind": "started", "at": 1, "context": {"model": {}}}""", "context.model")]
    [InlineData("""{"kind": "worker-heartbeat", "at": 1}""", "worker")]
    public void What_is_wrong_is_named_by_its_field(string json, string field)
    {
        using var parsed = JsonDocument.Parse(json);
        Assert.False(EventJson.TryRead(parsed.RootElement, "usual", out TaskEvent? item, out EventMistake? wrong));
        Assert.Null(item);
        Assert.Equal(field, wrong.Field);
    }

    static TaskEvent Again(TaskEvent item)
    {
        var bytes = new ArrayBufferWriter<byte>();
        EventJson.WriteLine(bytes, item);
        Assert.Equal(bytes.WrittenCount - 1, bytes.WrittenSpan.IndexOf((byte)'\n'));
        return Read(System.Text.Encoding.UTF8.GetString(bytes.WrittenSpan));
    }

    static TaskEvent Read(string json)
    {
        using var parsed = JsonDocument.Parse(json);
        Assert.True(EventJson.TryRead(parsed.RootElement, "usual", out TaskEvent? item, out EventMistake? wrong), wrong?.ToString());
        return item;
    }
}
