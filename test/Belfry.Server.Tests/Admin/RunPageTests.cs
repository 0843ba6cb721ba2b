using System.Net;
using AngleSharp.Dom;

namespace Belfry.Server.Tests.Admin;

public sealed class RunPageTests
{
    const string Id = "7c1d09f2-5b0e-4c9d-8a41-0e2b6f7d3a10";

    [Fact]
    public async Task A_failed_run_shows_its_attempts_its_trace_its_arguments_and_its_family()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        IDocument page = await host.PageAsync($"/runs/{Id}?source=prod-celery");
        Assert.Equal(["Retried", "Retried", "Failed"], page.QuerySelectorAll(".b-attempt .b-state").Select(state => state.TextContent.Trim()));
        Assert.Equal("3 of 3", page.QuerySelectorAll(".b-facts dd")[4].TextContent);
        Assert.Equal("return session.get(url, timeout=timeout)", page.QuerySelector(".is-marked .b-frame-code")!.TextContent);
        Assert.Equal(["2 frames in celery", "1 frame in requests"], page.QuerySelectorAll(".b-folded summary").Select(summary => summary.TextContent));
        Assert.Equal(["feed", "since", "options"], page.QuerySelectorAll(".b-args > dt").Select(name => name.TextContent));
        Assert.Equal(["schedule.every_10_min", "ingestor.run", "ingestor.fetch_page"], page.QuerySelectorAll(".b-family a > span:first-of-type").Select(name => name.TextContent));
        Assert.Equal("1 of 3", (await host.PageAsync($"/runs/{Id}?attempt=1")).QuerySelectorAll(".b-facts dd")[4].TextContent);
    }

    [Fact]
    public async Task A_result_is_shown_where_there_is_one()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        IDocument page = await host.PageAsync("/runs/ok-1");
        Assert.Contains("\"accepted\": True", page.QuerySelectorAll(".b-card").Single(card => card.QuerySelector("h2")?.TextContent == "Result").TextContent, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "89"), Trait("row", "90")]
    public async Task What_was_filled_in_and_what_is_overdue_is_said_on_the_page_and_in_the_list()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync([.. SampleRuns.Life("old", "a.b", 30_000, null), .. SampleRuns.Life("found", "a.c", 60, EventKind.Succeeded).Select(item => item with { Reconciled = item.Kind == EventKind.Succeeded })]);
        string[] notes = [.. (await host.PageAsync("/runs/old")).QuerySelectorAll(".b-note").Select(note => note.TextContent)];
        Assert.Collection(notes, stuck => Assert.StartsWith("Stuck: nothing was heard of it since", stuck, StringComparison.Ordinal), running => Assert.StartsWith("Long: it has run for 8 h", running, StringComparison.Ordinal));
        Assert.Contains("no event told it: finished.", (await host.PageAsync("/runs/found")).QuerySelector(".b-note")!.TextContent, StringComparison.Ordinal);
        Assert.Equal(["filled in", "stuck", "long"], (await host.PageAsync("/log?last=all")).QuerySelectorAll(".b-flag").Select(flag => flag.TextContent));
    }

    [Fact]
    public async Task An_id_that_two_sources_know_asks_which_one()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync([.. SampleRuns.Life("nightly", "a.b", 5, EventKind.Succeeded), .. SampleRuns.Life("nightly", "a.b", 9, EventKind.Failed, source: "cron")]);
        IDocument page = await host.PageAsync("/runs/nightly", HttpStatusCode.MultipleChoices);
        Assert.Equal(["cron", "prod-celery"], page.QuerySelectorAll("tbody a").Select(link => link.TextContent).Order());
        Assert.Equal("cron", (await host.PageAsync("/runs/nightly?source=cron")).QuerySelectorAll(".b-details dd")[1].TextContent);
    }

    [Fact]
    public async Task An_unknown_id_is_not_found()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        Assert.Equal("No such run", (await host.PageAsync("/runs/nothing", HttpStatusCode.NotFound)).QuerySelector("h1")!.TextContent);
        Assert.Contains("There is no page /nowhere.", (await host.PageAsync("/nowhere", HttpStatusCode.NotFound)).QuerySelector(".b-error")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_shows_sources_workers_gaps_and_what_was_refused()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        host.Log.Listen("prod-celery", "celery-redis", misses: true, listening: false, "connection refused");
        host.Log.Refuse("prod-celery", "unknown kind task-foo", 12);
        Instant now = Instant.Now(TimeProvider.System);
        host.Log.Miss("prod-celery", now - TimeSpan.FromMinutes(9), now - TimeSpan.FromMinutes(4), "connection lost");
        await host.AppendAsync([new TaskEvent { Source = "prod-celery", Id = "", Kind = EventKind.WorkerHeartbeat, At = now, Worker = "celery@w1", Beat = new WorkerBeat(7, 2, 1, 24_105, "py-celery 5.2.6") }]);
        string text = (await host.PageAsync("/health")).QuerySelector("main")!.TextContent;
        foreach (string wanted in (string[])["connection refused", "unknown kind task-foo", "12", "connection lost", "5 min 00 s", "w1", "24,105", "SQLite"])
        {
            Assert.Contains(wanted, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("row", "48")]
    [Trait("row", "107")]
    [Trait("row", "117")]
    public async Task Health_shows_what_each_task_takes_and_what_retention_would_delete()
    {
        await using AdminHost host = await AdminHost.StartAsync(change: settings => (settings.Retention.Age, settings.Retention.Count) = (TimeSpan.FromDays(30), 90));
        Instant now = Instant.Now(TimeProvider.System);
        await host.AppendAsync([.. Enumerable.Range(0, 100).Select(n => new TaskEvent { Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = now - TimeSpan.FromHours(n), Task = n % 4 == 0 ? "large" : "small", Result = n % 4 == 0 ? new string('x', 2000) : null })]);
        await host.CountAsync();
        IDocument page = await host.PageAsync("/health");
        Assert.Equal(["large", "small"], page.QuerySelectorAll(".b-use tbody td:first-child").Select(cell => cell.TextContent.Trim()));
        Assert.Equal("25", page.QuerySelector(".b-use tbody td:nth-child(2)")!.TextContent.Trim());
        string text = page.QuerySelector("main")!.TextContent;
        Assert.Contains("at most 90 of a task", text, StringComparison.Ordinal);
        Assert.Contains("0 runs", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_well_shows_no_problem()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        host.Log.Listen("prod-celery", "celery-redis", misses: true, listening: true, null);
        await host.AppendAsync([new TaskEvent { Source = "prod-celery", Id = "", Kind = EventKind.WorkerHeartbeat, At = Instant.Now(TimeProvider.System), Worker = "celery@w1" }]);
        string text = (await host.PageAsync("/health")).QuerySelector("main")!.TextContent;
        Assert.Contains("Listening", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Problem", text, StringComparison.Ordinal);
    }
}
