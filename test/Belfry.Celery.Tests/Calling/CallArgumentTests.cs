using System.Text;
using Belfry.Celery.Calling;
using Belfry.Celery.Messages;
using Belfry.Celery.Results;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Calling;

public sealed class CallArgumentTests
{
    [Theory]
    [InlineData("[1, \"zwei\", NaN]", false, null)]
    [InlineData("{\"a\": 1}", true, null)]
    [InlineData("{\"a\": 1}", false, "is a JSON array: [1, \"two\"]")]
    [InlineData("[1]", true, "is a JSON object: {\"name\": value}")]
    [InlineData("[1, x]", false, "is not JSON: character 5: 'x' is an invalid start of a value.")]
    [InlineData("[\"ü\", ✗]", false, "is not JSON: character 7: '0xE2' is an invalid start of a value.")]
    [InlineData("[1,\n 2,\n oops]", false, "is not JSON: line 3, character 2: 'o' is an invalid start of a value.")]
    public void What_is_no_JSON_says_where(string json, bool byName, string? problem) => Assert.Equal(problem, TaskCall.ProblemOf(json, byName));

    [Theory]
    [InlineData("(2, 3)", "[2, 3]")]
    [InlineData("(2,)", "[2]")]
    [InlineData("()", "[]")]
    [InlineData("('it', \"it's\", 'a\\'b\"', 'x\\n\\\\\\xfc\\u2717\\U0001f600')", "[\"it\", \"it\\u0027s\", \"a\\u0027b\\u0022\", \"x\\n\\\\\\u00FC\\u2717\\uD83D\\uDE00\"]")]
    [InlineData("{'a': None, 'b': [True, False], 3: -1.5e+20}", "{\"a\": null, \"b\": [true, false], \"3\": -1.5e+20}")]
    [InlineData("[nan, inf, -inf, {}]", "[NaN, Infinity, -Infinity, {}]")]
    [InlineData("((1, (2,)),)", "[[1, [2]]]")]
    public void What_Python_printed_whole_is_read_back(string repr, string json) => Assert.Equal(json, PythonLiteral.ToJson(repr));

    [Theory]
    [InlineData("('xxxx...',)")]
    [InlineData("(1, ...)")]
    [InlineData("(b'bytes',)")]
    [InlineData("(datetime.timedelta(days=1),)")]
    [InlineData("({1, 2},)")]
    [InlineData("(<object at 0x7f>,)")]
    [InlineData("((1))")]
    [InlineData("(1 2)")]
    [InlineData("(1")]
    [InlineData("'a")]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_not_whole_is_not_guessed(string? repr) => Assert.Null(PythonLiteral.ToJson(repr));

    [Fact]
    public async Task Texts_are_printed_as_Python_prints_them()
    {
        const string program = """
            import json, sys
            for text in json.load(sys.stdin): print(json.dumps(repr(text)))
            """;
        string[] texts = ["", "a", "it's", "\"", "it's \"both\"", "ü✗😀", "\n\r\t\0\u0001\u007f\u00a0\u00ad\u200b\u2028\ue000\ud7ff", "\\n", "\u0378"];
        Finished printed = await ChildProcess.RunAsync(Machine.Python, ["-c", program], input: System.Text.Json.JsonSerializer.Serialize(texts));
        string[] expected = [.. printed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.Json.JsonSerializer.Deserialize<string>(line)!)];
        Assert.Equal(expected, texts.Select(PythonRepr.OfText));
    }

    [Fact]
    public void A_past_run_is_called_again_only_when_its_arguments_are_known_whole()
    {
        TaskRun run = Run("(1, 'two')", "{'a': None}");
        TaskCall again = PastCall.Of(run, null)!;
        Assert.Equal(("""[1, "two"]""", """{"a": null}""", "old", "old", "mail"), (again.Args, again.Kwargs, again.Parent, again.Root, again.Queue));
        Assert.Null(PastCall.Of(Run("(1, 'tw...', ...)", "{}"), null));
        Assert.Null(PastCall.Of(Run("('***',)", "{'password': \"***\"}"), null));
        var record = new ResultRecord { Id = "old", Status = "FAILURE", Args = "[NaN]", Kwargs = "{}" };
        Assert.Equal("[NaN]", PastCall.Of(Run("(1, 'tw...', ...)", "{}"), record)!.Args);
        Assert.Null(PastCall.Of(Run(null, null), record with { Kwargs = null }));
        var message = new TaskMessage { Args = """["all of it"]""", Kwargs = "{}", Embed = """{"chain": [{"task": "next"}]}""" };
        Assert.Equal(("""["all of it"]""", "old"), (PastCall.OfMessage(Run("('all...',)", "{}"), message)!.Args, PastCall.OfMessage(Run("('all...',)", "{}"), message)!.Parent));
        Assert.Null(PastCall.OfMessage(Run("('all...',)", "{}"), message with { Args = null }));
    }

    static TaskRun Run(string? args, string? kwargs) => new()
    {
        Source = "lab", Id = "old", Attempt = 1, State = RunState.Failed, At = new Instant(0), First = new Instant(0), Updated = new Instant(0), Task = "t", Args = args, Kwargs = kwargs, Queue = "mail",
    };
}
