using System.Text.Json.Nodes;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Server.Tests.Monitor;

/// <summary>The command <c>belfry monitor status</c> as its users run it, with a real log and a real mail server.</summary>
public sealed class MonitorStatusTests
{
    [Fact]
    [Trait("row", "94")]
    [Trait("row", "97")]
    public async Task A_task_that_failed_is_told_by_mail_with_all_nine_values()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20, EventKind.Failed).Ran("data_processing", 30, end: null).Ran("data_export", 100);

        Finished call = await lab.MonitorAsync("status", MonitorLab.Example2, "--json");

        Assert.Equal((2, ""), (call.Code, call.Errors));
        ArrivedMail mail = Assert.Single(await lab.Sink.ArrivedAsync());
        Assert.Equal("[ALERT] data_collection Status Check Failed", mail.Subject);
        Assert.Equal(["ops@example.com"], mail.To);
        Assert.Empty(mail.Defects);
        string started = Time(lab.Now - TimeSpan.FromMinutes(20)), finished = Time(lab.Now - TimeSpan.FromMinutes(19));
        foreach (string body in new[] { mail.Html!, mail.Text! })
        {
            foreach (string value in new[] { "data_collection", "Failed", "Completed", "Last 1 hour(s)", started, finished, " UTC", "data_processing", "data_export" })
            {
                Assert.Contains(value, body, StringComparison.Ordinal);
            }
        }
        Assert.Contains("Dependent tasks may be delayed or fail", mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>slow</b>", mail.Html, StringComparison.Ordinal);
        Assert.Contains("ReadTimeout(\"<b>slow</b>\")", mail.Text, StringComparison.Ordinal);

        IReadOnlyDictionary<string, JsonNode> results = MonitorLab.Results(call);
        Assert.Equal(["alerted", "ok", "ok"], new[] { "data_collection", "data_processing", "data_export" }.Select(task => (string)results[task]["outcome"]!));
        JsonNode failed = results["data_collection"];
        Assert.Equal(("critical", "status", "Failed"), ((string)failed["state"]!, (string)failed["reason"]!, (string)failed["status"]!));
        Assert.Equal("ops@example.com", (string)failed["recipients"]![0]!);
        Assert.Equal((lab.Now - TimeSpan.FromMinutes(20)).ToString(), (string)failed["started"]!);
        Assert.Equal((lab.Now - TimeSpan.FromMinutes(19)).ToString(), (string)failed["finished"]!);
    }

    [Fact]
    public async Task A_window_that_the_retention_cannot_answer_is_unknown_and_names_task_field_and_retention()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Settings["Retention"] = new JsonObject { ["Age"] = "7d" };
        lab.Ran("a", 20, context: "Hourly");
        string file = lab.Write("far.json", """{"a": {"expected_statuses": ["Completed"], "lookback_hours": 200, "context_model": "gap.models.IngestorSession", "context_type": "Hourly"}}""");

        Finished call = await lab.MonitorAsync("status", file);

        Assert.Equal(3, call.Code);
        string told = call.Output + call.Errors;
        foreach (string word in (string[])["a", "lookback_hours", "Retention:Age is 7 d", "168"])
        {
            Assert.Contains(word, told, StringComparison.Ordinal);
        }
        Assert.Empty(lab.Sink.Mails);
    }

    [Fact]
    public async Task When_all_is_well_there_is_no_mail()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20).Ran("data_processing", 30).Ran("data_export", 100);

        Finished call = await lab.MonitorAsync("status", MonitorLab.Example2);

        Assert.Equal((0, ""), (call.Code, call.Errors));
        Assert.StartsWith("OK: all 3 tasks are well\nSTATE", call.Output, StringComparison.Ordinal);
        Assert.Empty(lab.Sink.Mails);
    }

    [Fact]
    [Trait("row", "95")]
    public async Task Without_notify_to_the_administrators_are_told_and_without_those_the_error_log_has_the_mail()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20);
        lab.Settings["Administrators"] = new JsonArray("admin@example.com", "boss@example.com");

        Finished told = await lab.MonitorAsync("status", MonitorLab.Example2);
        IReadOnlyList<ArrivedMail> mails = await lab.Sink.ArrivedAsync(2);
        Assert.Equal(2, told.Code);
        Assert.Equal(["[ALERT] data_processing Has Not Executed", "[ALERT] data_export Has Not Executed"], mails.Select(mail => mail.Subject));
        Assert.All(mails, mail => Assert.Equal(["admin@example.com", "boss@example.com"], mail.To));
        Assert.Contains("No execution found", mails[0].Html, StringComparison.Ordinal);

        lab.Settings.Remove("Administrators");
        Finished untold = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2, "--json");
        Assert.Equal(2, untold.Code);
        Assert.Contains("notify_to is empty but no administrator found for task 'data_processing'", untold.Errors, StringComparison.Ordinal);
        Assert.Contains("notify_to is empty but no administrator found for task 'data_export'", untold.Errors, StringComparison.Ordinal);
        Assert.Contains("Current status  No execution found", untold.Errors, StringComparison.Ordinal);
        Assert.Equal(["ok", "nobody_told", "nobody_told"], MonitorLab.Results(untold).Values.Select(result => (string)result["outcome"]!));
        Assert.Equal(2, lab.Sink.Mails.Count);
    }

    [Fact]
    [Trait("row", "91")]
    public async Task A_mistake_names_task_and_field_and_the_others_are_checked_all_the_same()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("good", 10);
        string file = lab.Write("mistakes.json", """
            {
              "unknown_status": {"expected_statuses": ["Complete"]},
              "none": {"lookback_hours": 1},
              "zero": {"expected_statuses": ["Completed"], "lookback_hours": 0},
              "good": {"expected_statuses": ["Completed"], "lookback_hours": 1.5}
            }
            """);

        Finished call = await lab.MonitorAsync("status", file, "--json");
        string[] lines = call.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, call.Code);
        Assert.Collection(
            lines,
            line => Assert.StartsWith("belfry: task 'unknown_status': expected_statuses: unknown status 'Complete'; known are Pending", line, StringComparison.Ordinal),
            line => Assert.Equal("belfry: task 'none': expected_statuses is missing", line),
            line => Assert.Equal("belfry: task 'zero': lookback_hours: a number of hours is expected, more than 0 and at most 87600, not 0", line));
        Assert.Equal(["not_checked", "not_checked", "not_checked", "ok"], MonitorLab.Results(call).Values.Select(result => (string)result["outcome"]!));

        string broken = (await System.IO.File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))
            .Replace("\"good\": {\"expected_statuses\": [\"Completed\"]", "\"bad\": {\"notify_to\": \"ops@example.com\", \"expected_statuses\": [\"Completed\"]", StringComparison.Ordinal);
        Finished worse = await lab.MonitorWithoutLogAsync("status", lab.Write("worse.json", broken));
        Assert.Equal(2, worse.Code);
        Assert.Equal("[ALERT] bad Has Not Executed", Assert.Single(await lab.Sink.ArrivedAsync()).Subject);
    }

    [Theory]
    [InlineData("{\n  \"a\": {\"expected_statuses\": [\"Completed\"],}\n}", "line 2, column 44")]
    [InlineData("{\"é\": nope}", "line 1, column 8")]
    [InlineData("", "line 1, column 1")]
    [InlineData("[{}, {}]", "the array has 2 elements; it must hold one dictionary")]
    [InlineData("[]", "the array has 0 elements; it must hold one dictionary")]
    [InlineData("{}", "it names no task")]
    [InlineData("\"text\"", "a dictionary of tasks is expected, not the text \"text\"")]
    public async Task Of_a_broken_file_nothing_is_checked(string json, string complaint)
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        string file = lab.Write("broken.json", json);
        Finished call = await lab.MonitorWithoutLogAsync("status", file, "--json");
        Assert.Equal((3, ""), (call.Code, call.Output));
        Assert.StartsWith($"belfry: {file}: {complaint}", Assert.Single(call.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "92")]
    public async Task A_run_that_waits_is_judged_by_when_it_was_submitted()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Submitted("waits", 30).Submitted("waits_long", 90).Ran("newest_speaks", 40, EventKind.Failed).Ran("newest_speaks", 20);
        string file = lab.Write("waits.json", """
            {
              "waits": {"expected_statuses": ["PENDING", "Queued"]},
              "waits_long": {"expected_statuses": ["Pending"], "notify_to": ["ops@example.com"]},
              "newest_speaks": {"expected_statuses": ["success"]}
            }
            """);
        Finished call = await lab.MonitorAsync("status", file, "--json");
        Assert.Equal(2, call.Code);
        Assert.Equal(["ok", "critical", "ok"], MonitorLab.Results(call).Values.Select(result => (string)result["state"]!));
        Assert.Equal("[ALERT] waits_long Has Not Executed", Assert.Single(await lab.Sink.ArrivedAsync()).Subject);
    }

    [Fact]
    [Trait("row", "96")]
    public async Task Only_runs_of_the_context_type_count()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("ingestor_session", 30, context: "Hourly").Ran("ingestor_session", 20, EventKind.Failed, context: "Daily").Ran("ingestor_session", 10, EventKind.Failed);
        string Config(string type) => lab.Write($"{type}.json", $$$"""
            [{"ingestor_session": {"context_model": "gap.models.IngestorSession", "context_type": "{{{type}}}", "expected_statuses": ["Completed"], "lookback_hours": 2}}]
            """);
        Assert.Equal(0, (await lab.MonitorAsync("status", Config("Hourly"))).Code);
        JsonNode daily = MonitorLab.Results(await lab.MonitorWithoutLogAsync("status", Config("Daily"), "--json", "--dry-run"))["ingestor_session"];
        Assert.Equal(("status", "Failed"), ((string)daily["reason"]!, (string)daily["status"]!));
        JsonNode weekly = MonitorLab.Results(await lab.MonitorWithoutLogAsync("status", Config("Weekly"), "--json", "--dry-run"))["ingestor_session"];
        Assert.Equal("not executed", (string)weekly["reason"]!);
    }

    [Fact]
    public async Task A_dry_run_sends_nothing_and_names_who_would_be_told()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20, EventKind.Failed).Ran("data_processing", 30).Ran("data_export", 100);
        Finished call = await lab.MonitorAsync("status", MonitorLab.Example2, "--dry-run");
        Assert.Equal((2, ""), (call.Code, call.Errors));
        Assert.StartsWith("CRITICAL: 1 of 3 tasks not well: data_collection (status)\n", call.Output, StringComparison.Ordinal);
        Assert.Contains("(ops@example.com)", call.Output, StringComparison.Ordinal);
        Assert.Empty(lab.Sink.Mails);
    }

    [Fact]
    public async Task A_mail_server_that_is_away_stops_no_check()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20, EventKind.Failed).Ran("data_export", 100, EventKind.Failed);
        lab.Settings["Mail"]!["Port"] = Machine.FreePort();
        lab.Settings["Administrators"] = "admin@example.com";
        Finished call = await lab.MonitorAsync("status", MonitorLab.Example2, "--json");
        Assert.Equal(2, call.Code);
        Assert.All(MonitorLab.Results(call).Values, result => Assert.Equal("nobody_told", (string)result["outcome"]!));
        Assert.Contains("The mail about task 'data_export' was not sent: smtp://127.0.0.1:", call.Errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "22")]
    public async Task A_store_that_is_not_there_is_told_and_not_made()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Settings["Administrators"] = "admin@example.com";
        Finished call = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2, "--json");
        Assert.Equal(3, call.Code);
        IReadOnlyList<ArrivedMail> mails = await lab.Sink.ArrivedAsync(3);
        Assert.Equal("[ALERT] data_collection Could Not Be Checked", mails[0].Subject);
        Assert.All(MonitorLab.Results(call).Values, result => Assert.Equal(("alerted", "unreachable"), ((string)result["outcome"]!, (string)result["reason"]!)));
        Assert.False(System.IO.File.Exists(lab.Store["sqlite://".Length..]));
    }

    [Fact]
    [Trait("row", "22")]
    public async Task A_store_that_is_damaged_is_told_too()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Write("log.db", new string('x', 100_000));
        Finished call = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2, "--json");
        Assert.Equal(3, call.Code);
        Assert.Equal("[ALERT] data_collection Could Not Be Checked", Assert.Single(await lab.Sink.ArrivedAsync()).Subject);
        Assert.All(MonitorLab.Results(call).Values, result => Assert.Equal("unreachable", (string)result["reason"]!));
    }

    [Fact]
    public async Task It_reads_beside_a_server_that_has_the_log_open()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20).Ran("data_processing", 30).Ran("data_export", 100);
        await using RunLog server = await lab.OpenAsync();
        Finished first = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2);
        lab.Ran("data_export", 5, EventKind.Failed);
        await lab.AppendAsync(server);
        Finished second = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2, "--dry-run");
        Assert.Equal((0, 2), (first.Code, second.Code));
    }

    [Fact]
    public async Task A_time_in_which_nobody_listened_makes_what_is_missing_unknown()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 90).Ran("data_processing", 30, EventKind.Failed).Ran("data_export", 100);
        await using (RunLog server = await lab.OpenAsync())
        {
            server.Listen("lab", "celery-redis", misses: true, listening: true, null);
            server.Miss("lab", lab.Now - TimeSpan.FromMinutes(50), lab.Now - TimeSpan.FromMinutes(40), "the server was down");
        }
        lab.Settings["Administrators"] = "admin@example.com";
        Finished call = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2, "--json");
        Assert.Equal(2, call.Code);
        Assert.Equal(["gap", "status", ""], MonitorLab.Results(call).Values.Select(result => (string)result["reason"]!));
        Assert.Equal(
            ["[ALERT] data_collection Could Not Be Checked", "[ALERT] data_processing Status Check Failed"], (await lab.Sink.ArrivedAsync(2)).Select(mail => mail.Subject));
    }

    [Fact]
    [Trait("row", "94")]
    public async Task Templates_of_ones_own_take_the_place_of_ours()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("data_collection", 20, EventKind.Failed).Ran("data_processing", 30).Ran("data_export", 100);
        string folder = Path.GetDirectoryName(lab.Write("task_status_alert.html", "<h1>Acme: {{task_name}} is {{current_status}}</h1>"))!;
        lab.Settings["Monitoring"] = new JsonObject { ["Templates"] = folder };
        await lab.MonitorAsync("status", MonitorLab.Example2);
        ArrivedMail mail = Assert.Single(await lab.Sink.ArrivedAsync());
        Assert.Equal("<h1>Acme: data_collection is Failed</h1>", mail.Html!.Trim());
        Assert.Contains("Current status  Failed", mail.Text, StringComparison.Ordinal);

        lab.Write("task_status_alert.html", "{{#if task_name}} never ends");
        Finished refused = await lab.MonitorWithoutLogAsync("status", MonitorLab.Example2);
        Assert.Equal(3, refused.Code);
        Assert.Contains("Monitoring:Templates", refused.Errors, StringComparison.Ordinal);
    }

    static string Time(Instant at) => at.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
}
