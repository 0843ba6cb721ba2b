using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Events;

namespace Belfry.Celery.Tests.Events;

public sealed class EventDecoderTests
{
    [Theory]
    [InlineData("563")]
    [InlineData("526")]
    public void Every_type_of_event_is_read_field_for_field(string version) =>
        AssertSame(Samples.OnePerType(version).Select(sample => (Samples.Decode(sample.Raw), sample.Body)));

    [Theory]
    [InlineData("563")]
    [InlineData("526")]
    public void Every_type_of_event_is_read_field_for_field_from_RabbitMQ(string version) =>
        AssertSame(Samples.OnePerTypeOnRabbit(version).Select(sample =>
        {
            var batch = new EventBatch();
            new EventDecoder("lab").Decode(sample.Raw, sample.Type, sample.Encoding, Samples.Arrived, batch);
            return (batch, sample.Body);
        }));

    static void AssertSame(IEnumerable<(EventBatch Decoded, JsonNode Body)> samples)
    {
        var kinds = new HashSet<EventKind>();
        foreach ((EventBatch batch, JsonNode body) in samples)
        {
            JsonNode[] sent = body is JsonArray list ? [.. list.Select(item => item!)] : [body];
            Assert.Empty(batch.Refused);
            Assert.Equal(sent.Length, batch.Events.Count);
            foreach ((JsonNode expected, TaskEvent actual) in sent.Zip(batch.Events))
            {
                AssertSame(expected, actual);
                kinds.Add(actual.Kind);
            }
        }
        EventKind[] neverFromCelery = [EventKind.Requeued, EventKind.Skipped, EventKind.Lost, EventKind.Context];
        Assert.Empty(Enum.GetValues<EventKind>().Except(kinds).Except(neverFromCelery));
    }

    [Fact]
    public void A_run_is_submitted_by_a_sender_that_is_no_worker()
    {
        TaskEvent sent = Samples.EventOf("""
            {"hostname": "gen7@vm", "uuid": "a", "name": "t", "retries": 2, "queue": "q", "eta": "2026-11-21T02:42:20.438095+00:00",
            "expires": "2026-11-21T03:42:20+01:00", "timestamp": 1795228936.3893986, "type": "task-sent"}
            """);
        Assert.Null(sent.Worker);
        Assert.Equal((3, "q", "t"), (sent.Attempt, sent.Queue, sent.Task));
        Assert.Equal("2026-11-21T02:42:20.438095Z", sent.Eta.ToString());
        Assert.Equal("2026-11-21T02:42:20.000000Z", sent.Expires.ToString());
    }

    [Theory]
    [InlineData("""{"type": "task-revoked", "uuid": "a", "terminated": false, "expired": false, "timestamp": 1}""", EventKind.Cancelled, "revoked")]
    [InlineData("""{"type": "task-revoked", "uuid": "a", "terminated": true, "signum": "SIGTERM", "expired": false, "timestamp": 1}""", EventKind.Cancelled, "terminated")]
    [InlineData("""{"type": "task-revoked", "uuid": "a", "terminated": false, "expired": true, "timestamp": 1}""", EventKind.Cancelled, "expired")]
    [InlineData("""{"type": "task-rejected", "uuid": "a", "requeue": false, "timestamp": 1}""", EventKind.Cancelled, "rejected")]
    [InlineData("""{"type": "task-rejected", "uuid": "a", "requeue": true, "timestamp": 1}""", EventKind.Requeued, "rejected")]
    [InlineData("""{"type": "task-cancelled", "uuid": "a", "timestamp": 1}""", EventKind.Cancelled, "cancelled")]
    public void The_way_in_which_a_run_was_called_off_is_its_reason(string json, EventKind kind, string reason)
    {
        TaskEvent item = Samples.EventOf(json);
        Assert.Equal((kind, reason), (item.Kind, item.Reason));
        Assert.Null(item.Attempt);
    }

    [Theory]
    [InlineData("ExceptionWithTraceback()", "Traceback:\\n  File\\nbilliard.exceptions.TimeLimitExceeded: TimeLimitExceeded(2,)\\n", "billiard.exceptions.TimeLimitExceeded: TimeLimitExceeded(2,)")]
    [InlineData("ExceptionWithTraceback()", "Traceback:\\nValueError: two\\nlines of it", "ExceptionWithTraceback()")]
    [InlineData("ExceptionWithTraceback()", "", "ExceptionWithTraceback()")]
    [InlineData("KeyError('a')", "Traceback:\\nKeyError: 'a'", "KeyError('a')")]
    public void An_exception_hidden_in_what_carried_it_is_read_from_the_trace(string sent, string trace, string expected)
    {
        TaskEvent item = Samples.EventOf($$"""{"type": "task-failed", "uuid": "a", "exception": "{{sent}}", "traceback": "{{trace}}", "timestamp": 1}""");
        Assert.Equal(expected, item.Exception);
    }

    [Theory]
    [InlineData("""{"type": "task-progress", "uuid": "a", "timestamp": 1, "current": 1, "total": 4}""", 25.0, null, """{"current": 1, "total": 4}""")]
    [InlineData("""{"type": "task-progress", "uuid": "a", "timestamp": 1, "percent": 60, "text": "reading"}""", 60.0, "reading", null)]
    [InlineData("""{"type": "task-progress", "uuid": "a", "timestamp": 1, "percent": 160}""", 100.0, null, null)]
    [InlineData("""{"type": "task-progress", "uuid": "a", "timestamp": 1, "current": 1, "total": 0}""", null, null, """{"current": 1, "total": 0}""")]
    [InlineData("""{"type": "task-checkpoint", "uuid": "a", "timestamp": 1, "rows": [1, {"n": "x"}]}""", null, null, """{"type": "task-checkpoint", "rows": [1, {"n": "x"}]}""")]
    public void An_event_of_the_application_is_progress_and_keeps_its_fields(string json, double? percent, string? text, string? extra)
    {
        TaskEvent item = Samples.EventOf(json);
        Assert.Equal((EventKind.Progress, percent, text, extra), (item.Kind, item.Percent, item.Text, item.Extra));
    }

    [Fact]
    public void Unknown_fields_are_kept_on_any_event()
    {
        TaskEvent item = Samples.EventOf("""{"type": "task-started", "uuid": "a", "timestamp": 1, "tenant": "acme", "n": {"a": [1]}}""");
        Assert.Equal("acme", JsonNode.Parse(item.Extra!)!["tenant"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("w")]
    [InlineData("\\u00e9")]
    [InlineData("\\ud83d\\ude00")]
    public void A_name_without_measure_is_cut_as_the_log_cuts_it_and_counted(string character)
    {
        EventBatch batch = Samples.DecodeBody($$"""{"type": "worker-heartbeat", "hostname": "{{string.Concat(Enumerable.Repeat(character, 70_000))}}", "timestamp": 1}""");
        string worker = Assert.Single(batch.Events).Worker!;
        Assert.InRange(worker.Length, 999, 1000);
        Assert.Equal(worker, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(worker)));
        Assert.Equal(1, batch.Refused["name cut to 1000 characters"]);
    }

    [Theory]
    [InlineData("[]", 0)]
    [InlineData("""[{"type": "task-started", "uuid": "a", "timestamp": 1}, {"type": "task-succeeded", "uuid": "a", "timestamp": 2}]""", 2)]
    [InlineData("""{"type": "worker-elect", "hostname": "w", "timestamp": 1}""", 0)]
    public void Lists_come_in_any_length_and_gossip_is_not_for_us(string json, int events)
    {
        EventBatch batch = Samples.DecodeBody(json);
        Assert.Equal(events, batch.Events.Count);
        Assert.Empty(batch.Refused);
    }

    [Theory]
    [InlineData("""{"type": "worker-dance", "hostname": "w", "timestamp": 1}""", "unknown kind worker-dance")]
    [InlineData("""{"type": "task-started", "timestamp": 1}""", "task event without an id")]
    [InlineData("""{"type": "task-started", "uuid": "", "timestamp": 1}""", "task event without an id")]
    [InlineData("""{"type": "task-started", "uuid": 7, "timestamp": 1}""", "task event without an id")]
    [InlineData("""{"type": "worker-online", "timestamp": 1}""", "worker event without a hostname")]
    [InlineData("""{"uuid": "a", "timestamp": 1}""", "event without a type")]
    [InlineData("""{"type": "task-started", "uuid": "a", """, "body that is not JSON")]
    [InlineData("", "body that is not JSON")]
    [InlineData("17", "body that is no event")]
    public void What_is_no_event_is_counted_by_its_reason(string json, string reason)
    {
        EventBatch batch = Samples.DecodeBody(json);
        Assert.Empty(batch.Events);
        Assert.Equal(new Dictionary<string, long> { [reason] = 1 }, batch.Refused);
    }

    [Theory]
    [InlineData("\u0001\u0002 not even text", "message that is not JSON")]
    [InlineData("[1]", "message that is no envelope")]
    [InlineData("{}", "message without a body")]
    [InlineData("""{"body": "%%%", "properties": {"body_encoding": "base64"}}""", "body that is not base64")]
    [InlineData("""{"body": "gAI=", "content-type": "application/x-python-serialize"}""", "content type application/x-python-serialize")]
    [InlineData("""{"body": "e30=", "content-type": "application/json", "content-encoding": "utf-16"}""", "content encoding utf-16")]
    public void A_message_that_cannot_be_read_is_counted_by_its_reason(string message, string reason)
    {
        EventBatch batch = Samples.Decode(Encoding.UTF8.GetBytes(message));
        Assert.Empty(batch.Events);
        Assert.Equal(new Dictionary<string, long> { [reason] = 1 }, batch.Refused);
    }

    [Fact]
    public void A_bad_item_of_a_list_does_not_harm_the_others()
    {
        EventBatch batch = Samples.DecodeBody("""
            [{"type": "task-started", "uuid": "a", "timestamp": 1}, [3], {"type": "task-started"}, {"type": "task-failed", "uuid": "a", "timestamp": 2}]
            """);
        Assert.Equal([EventKind.Started, EventKind.Failed], batch.Events.Select(item => item.Kind));
        Assert.Equal(2, batch.Refused.Count);
    }

    [Fact]
    public void A_body_may_come_without_base64()
    {
        byte[] message = Encoding.UTF8.GetBytes("""{"body": "{\"type\": \"task-started\", \"uuid\": \"a\", \"timestamp\": 1}", "content-type": "application/json", "properties": {}}""");
        Assert.Equal(EventKind.Started, Assert.Single(Samples.Decode(message).Events).Kind);
    }

    [Fact]
    public void Python_may_write_numbers_that_JSON_does_not_have()
    {
        TaskEvent item = Samples.EventOf("""{"type": "task-succeeded", "uuid": "a", "result": "NaN \" Infinity", "runtime": NaN, "x": -Infinity, "timestamp": 1}""");
        Assert.Null(item.Runtime);
        Assert.Equal("NaN \" Infinity", item.Result);
        Assert.Equal("""{"x": null}""", item.Extra);
    }

    [Fact]
    public void What_is_no_character_is_replaced()
    {
        Assert.Equal("a\uFFFDb\uD83D\uDE00\n\u2717", Samples.EventOf("""{"type": "task-failed", "uuid": "a", "exception": "a\ud800b\ud83d\ude00\n\u2717", "timestamp": 1}""").Exception);
        byte[] body = [.. "{\"type\": \"task-failed\", \"uuid\": \"a\", \"traceback\": \"x"u8, 0xFF, 0xC3, .. "y and more\", \"timestamp\": 1}"u8];
        Assert.Equal("x\uFFFD\uFFFDy and more", Assert.Single(Samples.Decode(Samples.Envelope(body)).Events).Traceback);
    }

    [Theory]
    [InlineData("-5.5", -5_500_000, true)]
    [InlineData("2147483648", 2_147_483_648_000_000, true)]
    [InlineData("4102444800.25", 4_102_444_800_250_000, true)]
    [InlineData("1e300", long.MaxValue, true)]
    [InlineData("1795231399.123457", 1_795_231_399_123_457, false)]
    [InlineData("1795317799", 1_795_317_799_000_000, false)]
    public void An_instant_is_kept_as_sent_and_shown_at_its_arrival_when_it_cannot_be(string timestamp, long micros, bool clockOff)
    {
        TaskEvent item = Samples.EventOf($$"""{"type": "task-started", "uuid": "a", "timestamp": {{timestamp}}}""");
        Assert.Equal(micros, item.At.Micros);
        Assert.Equal(clockOff ? Samples.Arrived : item.At, item.Shown);
        Assert.Equal(clockOff, item.ClockOff);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("\"soon\"")]
    [InlineData("null")]
    public void An_event_without_an_instant_stands_at_its_arrival_and_is_counted(string timestamp)
    {
        EventBatch batch = Samples.DecodeBody($$"""{"type": "task-started", "uuid": "a", "timestamp": {{timestamp}}}""");
        Assert.Equal(Samples.Arrived, Assert.Single(batch.Events).At);
        Assert.Equal(["event without a timestamp (its arrival counts)"], batch.Refused.Keys);
    }

    [Fact]
    public void A_long_argument_passes_whole()
    {
        string argument = new('é', 5_000_000);
        TaskEvent item = Samples.EventOf($$"""{"type": "task-received", "uuid": "a", "name": "t", "args": "{{argument}}\n", "timestamp": 1}""");
        Assert.Equal(argument + "\n", item.Args);
    }

    [Fact]
    public void Unknown_fields_without_measure_are_left_out_and_counted()
    {
        EventBatch batch = Samples.DecodeBody($$"""{"type": "task-log", "uuid": "a", "small": 1, "large": "{{new string('x', 300_000)}}", "timestamp": 1}""");
        Assert.Equal("""{"type": "task-log", "small": 1}""", Assert.Single(batch.Events).Extra);
        Assert.Single(batch.Refused);
    }

    [Fact]
    public void A_retry_is_not_its_own_parent()
    {
        TaskEvent item = Samples.EventOf("""{"type": "task-received", "uuid": "a", "parent_id": "a", "root_id": "a", "retries": 1, "timestamp": 1}""");
        Assert.Equal((null, "a", 2), (item.Parent, item.Root, item.Attempt));
    }

    [Fact]
    public void A_heartbeat_may_come_without_figures()
    {
        TaskEvent item = Samples.EventOf("""{"type": "worker-heartbeat", "hostname": "w1@lab", "pid": 5, "freq": 5, "sw_ident": "py-celery", "sw_ver": "5.6.3", "timestamp": 1}""");
        Assert.Equal(new WorkerBeat(5, 5, null, null, "py-celery 5.6.3"), item.Beat);
        Assert.Equal(("", "w1@lab"), (item.Id, item.Worker));
    }

    [Fact]
    public void Names_are_the_same_object_each_time()
    {
        var batch = new EventBatch();
        var decoder = new EventDecoder("lab");
        byte[] message = Samples.Envelope(Encoding.UTF8.GetBytes("""{"type": "task-received", "uuid": "a", "name": "a.task.with.a.name", "hostname": "w1@lab", "timestamp": 1}"""));
        decoder.Decode(message, Samples.Arrived, batch);
        decoder.Decode(message, Samples.Arrived, batch);
        Assert.Same(batch.Events[0].Task, batch.Events[1].Task);
        Assert.Same(batch.Events[0].Worker, batch.Events[1].Worker);
    }

    [Fact]
    public void Kinds_without_number_are_counted_together_at_last()
    {
        var batch = new EventBatch();
        for (int i = 0; i < 1000; i++)
        {
            batch.Refuse($"unknown kind {i}");
        }
        Assert.Equal(201, batch.Refused.Count);
        Assert.Equal(1000, batch.Refused.Values.Sum());
    }

    static void AssertSame(JsonNode sent, TaskEvent actual)
    {
        string type = sent["type"]!.GetValue<string>();
        string?[] text = [.. new[] { "name", "args", "kwargs", "result", "exception", "traceback", "queue", "parent_id", "root_id" }.Select(field => (string?)sent[field])];
        Assert.Equal(Instant.FromUnixSeconds(sent["timestamp"]!.GetValue<double>()), actual.At);
        string?[] read = [actual.Task, actual.Args, actual.Kwargs, actual.Result, actual.Exception, actual.Traceback, actual.Queue, actual.Parent, actual.Root];
        Assert.Equal(text.AsEnumerable(), read);
        Assert.Equal((string?)sent["uuid"] ?? "", actual.Id);
        Assert.Equal(type == "task-sent" ? null : (string?)sent["hostname"], actual.Worker);
        Assert.Equal((double?)sent["runtime"] ?? -1, actual.Runtime ?? -1, tolerance: 1e-6);
        Assert.Equal(type is "task-sent" or "task-received" ? (int)sent["retries"]! + 1 : null, actual.Attempt);
        if (type.StartsWith("worker", StringComparison.Ordinal))
        {
            Assert.Equal(
                new WorkerBeat((int)sent["pid"]!, (double)sent["freq"]!, (long)sent["active"]!, (long)sent["processed"]!, $"py-celery {sent["sw_ver"]}"),
                actual.Beat);
        }
        else
        {
            Assert.Equal(type, type == "task-progress" ? "task-progress" : $"task-{CeleryName(actual.Kind, actual.Reason)}");
        }
    }

    static string CeleryName(EventKind kind, string? reason) => kind switch
    {
        EventKind.Submitted => "sent",
        EventKind.Cancelled => reason == "rejected" ? "rejected" : "revoked",
        _ => kind.Name(),
    };
}
