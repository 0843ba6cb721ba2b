using AngleSharp.Html.Parser;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;
using Belfry.Testing;

namespace Belfry.Server.Tests.Alerts;

public sealed class StatusAlertTests
{
    static readonly Instant Now = Instant.TryParse("2026-11-21T12:00:00Z", out Instant at) ? at : default;

    static readonly Check Check = new()
    {
        Name = "c", Task = "a<b>&\"'c", Expects = new StatusExpectation([RunState.Completed, RunState.Running], TimeSpan.FromHours(1.5)),
        DependentTasks = ["one<script>", "two"], NotifyTo = ["ops@example.com"],
    };

    static readonly Verdict Broken = CheckEvaluator.Evaluate(Check, new CheckHistory([], []), Now);

    [Fact]
    public void A_template_gets_the_nine_values_of_the_document()
    {
        using var folder = new TempFolder();
        File.WriteAllText(
            folder.File("task_status_alert.txt"),
            "{{task_name}}|{{current_status}}|{{expected_statuses}}|{{lookback_hours}}|{{started_at}}|{{finished_at}}|{{check_time}}|{{has_dependent_tasks}}|{{#each dependent_tasks}}{{this}};{{/each}}");
        Alert alert = new StatusAlert(new AlertSettings(), new AlertTemplates(folder.Path)).Compose(Check, Broken);
        Assert.Equal("a<b>&\"'c|No execution found|Completed, Running|1.5|||2026-11-21 12:00:00 UTC|True|one<script>;two;", alert.Text);
    }

    [Fact]
    public void Nothing_in_a_value_becomes_HTML()
    {
        var page = new HtmlParser().ParseDocument(Compose(Check, Broken).Html!);
        Assert.Equal(Check.Task, page.QuerySelector("h1")!.TextContent);
        Assert.Contains("one<script>", page.QuerySelector("td.warning")!.TextContent, StringComparison.Ordinal);
        Assert.Empty(page.QuerySelectorAll("script"));
    }

    [Fact]
    public void Without_dependent_tasks_there_is_no_box() =>
        Assert.Null(new HtmlParser().ParseDocument(Compose(Check with { DependentTasks = [] }, Broken).Html!).QuerySelector("td.warning"));

    [Fact]
    public void Nothing_is_fetched_from_outside()
    {
        string html = Compose(Check, Broken).Html!;
        Assert.DoesNotContain("http", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(CheckState.Critical, VerdictReason.NotExecuted, "[ALERT] t Has Not Executed")]
    [InlineData(CheckState.Critical, VerdictReason.Status, "[ALERT] t Status Check Failed")]
    [InlineData(CheckState.Unknown, VerdictReason.Gap, "[ALERT] t Could Not Be Checked")]
    [InlineData(CheckState.Unknown, VerdictReason.Unreachable, "[ALERT] t Could Not Be Checked")]
    public void The_subject_says_what_is_wrong(CheckState state, string reason, string subject) =>
        Assert.Equal(subject, StatusAlert.Subject("t", new Verdict { State = state, Reason = reason, Sentence = "", At = Now }));

    [Fact]
    public void A_template_that_fails_when_it_is_needed_is_replaced_by_ours()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("task_status_alert.html"), "{{#each");
        Alert alert = new StatusAlert(new AlertSettings(), new AlertTemplates(folder.Path)).Compose(Check, Broken);
        Assert.Contains("Has not executed", alert.Html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(60, "1:00:00")]
    [InlineData(6, "0:06:00")]
    [InlineData(1440, "1 day, 0:00:00")]
    [InlineData(3661, "2 days, 13:01:00")]
    public void The_range_of_a_latest_run_reads_as_it_always_did(int minutes, string text) =>
        Assert.Equal(text, LatestRunAlert.Range(TimeSpan.FromMinutes(minutes)));

    static Alert Compose(Check check, Verdict verdict) => new StatusAlert(new AlertSettings(), new AlertTemplates("")).Compose(check, verdict);
}
