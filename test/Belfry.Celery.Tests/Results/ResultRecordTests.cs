using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Results;
using Belfry.Celery.Tests.Events;

namespace Belfry.Celery.Tests.Results;

public sealed class ResultRecordTests
{
    [Theory]
    [InlineData("redis-526-result-records")]
    [InlineData("redis-563-result-records")]
    [InlineData("rabbit-526-rpc-results")]
    [InlineData("rabbit-563-rpc-results")]
    public void Every_recorded_record_is_read_field_for_field(string file)
    {
        (string Id, byte[] Value)[] records = [.. Recorded(file)];
        Assert.True(records.Length > 60);
        foreach ((string id, byte[] value) in records)
        {
            AssertSame(JsonNode.Parse(value)!.AsObject(), ResultRecord.FromStored(id, value));
        }
    }

    [Fact]
    public void Exceptions_are_shown_as_Python_prints_them()
    {
        Assert.Equal("ValueError('boom ✗ unicode')", Read("""{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["boom \u2717 unicode"], "exc_module": "builtins"}}""").Exception);
        Assert.Equal("WeirdError(42, {'why': \"it's\"})", Read("""{"status": "FAILURE", "result": {"exc_type": "WeirdError", "exc_message": [42, {"why": "it's"}]}}""").Exception);
        Assert.Equal("TaskRevokedError('expired')", Read("""{"status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["expired"]}}""").Exception);
        Assert.Equal("Inner()", Read("""{"status": "RETRY", "result": {"exc_type": "Outer.Inner", "exc_message": []}}""").Exception);
        Assert.Equal("E('text')", Read("""{"status": "FAILURE", "result": {"exc_type": "E", "exc_message": "text"}}""").Exception);
        Assert.Null(Read("""{"status": "SUCCESS", "result": {"exc_type": "E"}}""").Exception);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("-Infinity")]
    [InlineData("[1, Infinity]")]
    public void A_result_that_only_Python_can_write_stays_what_it_was(string result)
    {
        ResultRecord record = Read($"{{\"status\": \"SUCCESS\", \"result\": {result}}}");
        Assert.Equal(result, record.Result);
        Assert.Contains("null", record.PlainResult, StringComparison.Ordinal);
    }

    [Fact]
    public void Children_of_groups_and_chords_are_among_the_children()
    {
        ResultRecord record = Read("""
            {"status": "SUCCESS", "result": 1, "children": [[["a", "p"], null], [["g", null], [[["b", "g"], null], [["c", null], null]]], "nonsense", [], [[7], null]]}
            """);
        Assert.Equal(["a", "b", "c"], record.Children);
        Assert.Equal(["b", "c"], record.Groups["g"]);
    }

    [Fact]
    public void A_pickled_record_is_read_and_what_it_names_is_not_built()
    {
        // pickle.dumps({"status": "FAILURE", "result": ValueError("boom"), "traceback": None, "children": [], "date_done": "2026-11-21T02:42:16.405109"}, 4)
        byte[] pickled = Convert.FromBase64String(
            "gASVfQAAAAAAAAB9lCiMBnN0YXR1c5SMB0ZBSUxVUkWUjAZyZXN1bHSUjAhidWlsdGluc5SMClZhbHVlRXJyb3KUk5SMBGJvb22UhZRSlIwJdHJhY2ViYWNrlE6MCGNoaWxkcmVulF2UjAlkYXRlX2RvbmWUjBoyMDI2LTExLTIxVDAyOjQyOjE2LjQwNTEwOZR1Lg==");
        ResultRecord record = ResultRecord.FromStored("a", pickled);
        Assert.Equal(("FAILURE", "ValueError", "ValueError('boom')", null), (record.Status, record.ExceptionType, record.Exception, record.Problem));
        Assert.Equal("2026-11-21T02:42:16.405109Z", record.Done.ToString());
    }

    [Theory]
    [InlineData("", "record that is neither JSON nor a pickle (YAML and msgpack are never read)")]
    [InlineData("status: SUCCESS\n", "record that is neither JSON nor a pickle (YAML and msgpack are never read)")]
    [InlineData("{\"status\": \"SUCC", "record that is not JSON")]
    [InlineData("{}", "record without a status")]
    [InlineData("{\"status\": 7}", "record without a status")]
    [InlineData("{\"\\ud800\": 7}", "record without a status")]
    public void What_cannot_be_read_says_why(string value, string problem) => Assert.Equal((problem, null), (Read(value).Problem, Read(value).Status));

    [Fact]
    public void No_changed_bytes_of_a_record_throw()
    {
        var random = new Random(5);
        foreach ((string id, byte[] value) in Recorded("redis-563-result-records").Where(record => record.Value.Length < 3000))
        {
            for (int i = 0; i < 200; i++)
            {
                byte[] changed = [.. value];
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
                ResultRecord.FromStored(id, changed.AsMemory(0, i % 2 == 0 ? changed.Length : random.Next(changed.Length)));
            }
        }
    }

    static ResultRecord Read(string value) => ResultRecord.FromStored("a", Encoding.UTF8.GetBytes(value));

    static IEnumerable<(string Id, byte[] Value)> Recorded(string file)
    {
        const string key = "celery-task-meta-";
        return from line in File.ReadLines(Samples.File($"{file}.jsonl"))
               let node = JsonNode.Parse(line)!
               let redis = (string?)node["cmd"] == "SETEX" && ((string)node["key"]!).StartsWith(key, StringComparison.Ordinal)
               where redis || node["props"] is not null
               select redis
                   ? (((string)node["key"]!)[key.Length..], Encoding.UTF8.GetBytes((string)node["args"]![1]!))
                   : ((string)node["props"]!["correlation_id"]!, Encoding.UTF8.GetBytes((string)node["body"]!));
    }

    static void AssertSame(JsonObject sent, ResultRecord read)
    {
        Assert.Null(read.Problem);
        Assert.Equal((string?)sent["task_id"], read.Id);
        string?[] texts = [.. new[] { "status", "traceback", "name", "worker", "queue", "group_id" }.Select(name => (string?)sent[name])];
        string?[] actual = [read.Status, read.Traceback, read.Task, read.Worker, read.Queue, read.Group];
        Assert.Equal(texts, actual);
        Assert.True(JsonNode.DeepEquals(sent["result"], JsonNode.Parse(read.Result!)), read.Result);
        Assert.True(sent["args"] is null ? read.Args is null : JsonNode.DeepEquals(sent["args"], JsonNode.Parse(read.Args!)), read.Args);
        Assert.True(sent["kwargs"] is null ? read.Kwargs is null : JsonNode.DeepEquals(sent["kwargs"], JsonNode.Parse(read.Kwargs!)), read.Kwargs);
        Assert.Equal((int?)sent["retries"], read.Retries);
        Assert.Equal((string?)sent["parent_id"] == read.Id ? null : (string?)sent["parent_id"], read.Parent);
        Assert.Equal((string?)sent["date_done"] is { } done ? Instant.From(DateTimeOffset.Parse(done, null, System.Globalization.DateTimeStyles.AssumeUniversal)) : null, read.Done);
        Assert.Equal(sent["children"] is JsonArray { Count: > 0 }, read.Children.Count > 0);
        Assert.Equal((string?)(sent["result"] as JsonObject)?["exc_type"], read.ExceptionType);
    }
}
