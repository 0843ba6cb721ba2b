using System.Text;
using Belfry.Server.Checks;
using Belfry.Storage;

namespace Belfry.Server.Tests.Checks;

public sealed class StatusDocumentTests
{
    [Fact]
    public void The_example_of_the_document_is_three_checks()
    {
        StatusDocument document = StatusDocument.Read(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "data", "example-2.json")), "example-2.json");
        Check[] checks = [.. document.Tasks.Select(entry => entry.Check!)];
        Assert.Equal(["example-2.json: data_collection", "example-2.json: data_processing", "example-2.json: data_export"], checks.Select(check => check.Name));
        Assert.Equal(["ops@example.com"], checks[0].NotifyTo);
        Assert.Equal(["data_processing", "data_export"], checks[0].DependentTasks);
        Assert.Equal([RunState.Completed, RunState.Running], ((StatusExpectation)checks[1].Expects).States);
        Assert.Equal(TimeSpan.FromHours(3), checks[2].Expects.Window);
        Assert.Empty(checks[2].NotifyTo);
    }

    [Fact]
    public void Everything_that_may_be_left_out_has_its_default()
    {
        Check check = Read("""{"a": {"expected_statuses": ["Completed"], "notify_to": null, "lookback_hours": null, "context_model": null}}""").Check!;
        Assert.Equal(TimeSpan.FromHours(1), check.Expects.Window);
        Assert.Empty(check.NotifyTo);
        Assert.Empty(check.DependentTasks);
        Assert.Null(check.Context);
    }

    [Fact]
    public void Decimals_one_address_and_a_context_are_read()
    {
        Check check = Read("""{"a": {"expected_statuses": ["Completed"], "notify_to": "a@b.c", "lookback_hours": 1.5, "context_model": "m", "context_type": "t"}}""").Check!;
        Assert.Equal(TimeSpan.FromMinutes(90), check.Expects.Window);
        Assert.Equal(["a@b.c"], check.NotifyTo);
        Assert.Equal(new RunContext("m", "t", null), check.Context);
    }

    [Theory]
    [InlineData("Pending", RunState.Pending)]
    [InlineData("Queued", RunState.Queued)]
    [InlineData("Running", RunState.Running)]
    [InlineData("Completed", RunState.Completed)]
    [InlineData("Stopped", RunState.Failed)]
    [InlineData("Cancelled", RunState.Cancelled)]
    [InlineData("Invalidated", RunState.Retried)]
    [InlineData("SUCCESS", RunState.Completed)]
    [InlineData("retry", RunState.Retried)]
    [InlineData("crash", RunState.Lost)]
    public void Every_status_of_the_document_and_of_Celery_is_known(string text, RunState state) =>
        Assert.Equal([state], ((StatusExpectation)Read($$$"""{"a": {"expected_statuses": ["{{{text}}}"]}}""").Check!.Expects).States);

    [Theory]
    [InlineData("""{}""", "expected_statuses is missing")]
    [InlineData("""{"expected_statuses": []}""", "expected_statuses: a list of at least one status is expected, not an empty one")]
    [InlineData("""{"expected_statuses": "Completed"}""", "expected_statuses: a list of at least one status is expected, not the text \"Completed\"")]
    [InlineData("""{"expected_statuses": ["Done"]}""", "expected_statuses: unknown status 'Done'; known are Pending, *")]
    [InlineData("""{"expected_statuses": [1]}""", "expected_statuses: unknown status '1'; *")]
    [InlineData("""{"expected_statuses": ["Completed"], "lookback_hours": 0}""", "lookback_hours: a number of hours is expected, more than 0 and at most 87600, not 0")]
    [InlineData("""{"expected_statuses": ["Completed"], "lookback_hours": -1.5}""", "lookback_hours: *, not -1.5")]
    [InlineData("""{"expected_statuses": ["Completed"], "lookback_hours": 1e300}""", "lookback_hours: *, not 1e300")]
    [InlineData("""{"expected_statuses": ["Completed"], "lookback_hours": "1"}""", "lookback_hours: *, not the text \"1\"")]
    [InlineData("""{"expected_statuses": ["Completed"], "lookback_hours": true}""", "lookback_hours: *, not true")]
    [InlineData("""{"expected_statuses": ["Completed"], "notify_to": ["nobody"]}""", "notify_to: 'nobody' is no address")]
    [InlineData("""{"expected_statuses": ["Completed"], "notify_to": [1]}""", "notify_to: a list of texts is expected, not a list")]
    [InlineData("""{"expected_statuses": ["Completed"], "dependent_tasks": "x"}""", "dependent_tasks: a list of texts is expected, not the text \"x\"")]
    [InlineData("""{"expected_statuses": ["Completed"], "context_model": "m"}""", "context_type is missing; context_model and context_type go together")]
    [InlineData("""{"expected_statuses": ["Completed"], "context_type": "t"}""", "context_model is missing; *")]
    [InlineData("""{"expected_statuses": ["Completed"], "context_type": 5, "context_model": "m"}""", "context_type: a text is expected, not 5")]
    [InlineData("""{"expected_statuses": ["Completed"], "expected_status": []}""", "expected_status is not known; known are expected_statuses, *")]
    [InlineData("""{"expected_statuses": ["Completed"], "expected_statuses": ["Completed"]}""", "expected_statuses is there twice")]
    [InlineData("""["Completed"]""", "a dictionary of settings is expected, not a list")]
    public void A_mistake_is_one_line_that_names_the_field(string entry, string problem)
    {
        StatusEntry read = Read($$"""{"a": {{entry}}}""");
        Assert.Null(read.Check);
        string found = Assert.Single(read.Problems);
        string[] parts = problem.Split('*');
        Assert.True(found.StartsWith(parts[0], StringComparison.Ordinal) && found.EndsWith(parts[^1], StringComparison.Ordinal), found);
        Assert.DoesNotContain('\n', found);
    }

    [Fact]
    public void All_mistakes_of_a_task_are_told_and_a_task_that_is_there_twice_is_one()
    {
        StatusDocument document = Document("""{"a": {"lookback_hours": 0, "notify": []}, "b": {"expected_statuses": ["ok"]}, "b": {"expected_statuses": ["ok"]}}""");
        Assert.Equal(3, document.Tasks[0].Problems.Count);
        Assert.Equal("is there 2 times", Assert.Single(document.Tasks[1].Problems));
    }

    [Theory]
    [InlineData("{\n  \"a\": {'expected_statuses': []}\n}", "line 2, column 9: ")]
    [InlineData("{\"a\": {} // why", "line 1, column 10: ")]
    [InlineData("{\"ab\": \"\u00e9\u00e9\" x}", "line 1, column 13: ")]
    public void Broken_JSON_is_placed_by_line_and_column(string json, string place)
    {
        FormatException broken = Assert.Throws<FormatException>(() => Document(json));
        Assert.StartsWith(place, broken.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_does_no_harm() => Assert.Single(Document("\uFEFF{\"a\": {\"expected_statuses\": [\"ok\"]}}").Tasks);

    [Theory]
    [InlineData(720, 30, 90, null)] // exactly as far back as the log is kept
    [InlineData(721, 30, 90, "Retention:Age is 30 d")]
    [InlineData(721, null, null, null)]
    [InlineData(100, 30, 3, "Retention:FailureAge is 3 d")]
    [InlineData(100, null, 3, "Retention:FailureAge is 3 d")]
    public void A_window_beyond_the_retention_is_refused_only_where_a_context_is_asked_for(int hours, int? age, int? failureAge, string? why)
    {
        var retention = new RetentionPolicy { Age = age is { } days ? TimeSpan.FromDays(days) : null, FailureAge = failureAge is { } more ? TimeSpan.FromDays(more) : null };
        StatusDocument document = Document($$$"""
            {"a": {"expected_statuses": ["ok"], "lookback_hours": {{{hours}}}, "context_model": "m", "context_type": "t"}, "b": {"expected_statuses": ["ok"], "lookback_hours": {{{hours}}} }}
            """).AnswerableFrom(retention);
        Assert.Empty(document.Tasks[1].Problems); // the last run of a task stays for ever
        if (why is null)
        {
            Assert.Empty(document.Tasks[0].Problems);
        }
        else
        {
            string problem = Assert.Single(document.Tasks[0].Problems);
            Assert.StartsWith("lookback_hours: ", problem, StringComparison.Ordinal);
            Assert.Contains(why, problem, StringComparison.Ordinal);
        }
    }

    static StatusEntry Read(string json) => Assert.Single(Document(json).Tasks);

    static StatusDocument Document(string json) => StatusDocument.Read(Encoding.UTF8.GetBytes(json), "test");
}
