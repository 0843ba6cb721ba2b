using Belfry.Server.Admin;

namespace Belfry.Server.Tests.Admin;

public sealed class ReprTextTests
{
    [Theory]
    [InlineData("(2, 3)", "(2, 3)")]
    [InlineData("()", "()")]
    [InlineData("(1,)", "(1)")]
    [InlineData("{'base': 'EUR', 'n': [1, 2.5, None, True]}", "{\"base\": \"EUR\", \"n\": [1, 2.5, None, True]}")]
    [InlineData("{\"a\": {\"b\": null}}", "{\"a\": {\"b\": null}}")]
    [InlineData("'it\\'s \\u2717 \\x41\\n'", "\"it's ✗ A\\n\"")]
    [InlineData("{1, 2}", "{1, 2}")]
    [InlineData("datetime.datetime(2026, 11, 20, tzinfo=<UTC>)", "datetime.datetime(2026, 11, 20, tzinfo=<UTC>)")]
    [InlineData("[<Feed: 'a>b'>, b'00ff']", "[<Feed: 'a>b'>, b'00ff']")]
    [InlineData("('xxxx…...', ...)", "(\"xxxx…...\", ...)")]
    [InlineData("{'a': 1, ...}", "{\"a\": 1, ...: }")]
    public void A_value_of_Python_or_JSON_is_read(string text, string line) => Assert.Equal(line, ReprText.Read(text)?.Line());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{'a': ")]
    [InlineData("'open")]
    [InlineData("(1, 2")]
    [InlineData("a b ) c")]
    [InlineData("{'a': 1, 2}")]
    public void What_cannot_be_read_is_left_as_it_is(string? text) => Assert.Null(ReprText.Read(text));

    [Fact]
    public void A_value_nested_without_end_is_left_as_it_is() => Assert.Null(ReprText.Read(new string('[', 100_000)));

    [Fact]
    public void No_text_is_too_odd_to_read()
    {
        Random random = new(7);
        const string letters = "{}[]()'\"\\,:<>.ax1 \n";
        for (int turn = 0; turn < 20_000; turn++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(24)).Select(_ => letters[random.Next(letters.Length)]));
            _ = ReprText.Read(text)?.Line();
        }
    }

    [Theory]
    [InlineData("ReadTimeout('Read timed out.')", "ReadTimeout", "Read timed out.")]
    [InlineData("requests.ReadTimeout: Read timed out.", "ReadTimeout", "Read timed out.")]
    [InlineData("KeyError('net_price',)", "KeyError", "net_price")]
    [InlineData("Http.Error(410, 'Gone')", "Error", "410, 'Gone'")]
    [InlineData("something went wrong", "", "something went wrong")]
    public void An_error_is_its_class_and_its_message(string exception, string head, string text)
    {
        RunSummary summary = RunSummary.Of(Run(RunState.Failed) with { Exception = exception });
        Assert.Equal((SummaryKind.Error, head, text), (summary.Kind, summary.Head, summary.Text));
    }

    [Theory]
    [InlineData("(2, 3)", "{}", "2, 3")]
    [InlineData("()", "{'a': 1}", "{\"a\": 1}")]
    [InlineData("('x',)", "{'a': 1}", "\"x\", {\"a\": 1}")]
    [InlineData("not ( python", null, "not ( python")]
    [InlineData("[]", "null", "")]
    public void Arguments_stand_on_one_line(string? args, string? kwargs, string line) =>
        Assert.Equal(line, RunSummary.Arguments(Run(RunState.Completed) with { Args = args, Kwargs = kwargs }));

    static TaskRun Run(RunState state) => new() { Source = "s", Id = "1", Attempt = 1, State = state, At = default, First = default, Updated = default };
}
