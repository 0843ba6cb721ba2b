using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Belfry.Server.Access;
using Belfry.Server.Tests.Access;
using Belfry.Storage;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Admin;

/// <summary>The page of dead letters: calls whose process died in every attempt.</summary>
public sealed class DeadPageTests
{
    [Fact]
    public async Task Without_any_it_says_when_there_would_be_one()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        using IHtmlDocument page = await new Browsing(server).PageAsync("/dead");
        Assert.StartsWith("There are none.", page.QuerySelector(".b-none")!.TextContent, StringComparison.Ordinal);
        Assert.Empty(page.QuerySelectorAll("button[form=dead]"));
        using HttpResponseMessage ask = await server.GetAsync("/dead/again?all=yes");
        Assert.Equal(HttpStatusCode.SeeOther, ask.StatusCode);
    }

    [Fact]
    public async Task The_chosen_are_called_again_after_a_question_and_those_that_cannot_be_stay()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AppendAsync([.. Dead("d1", "shop.resize", "[1]"), .. Dead("d2", "shop.resize", "[2]"), .. Dead("d3", "shop.send", "{\"key\":\"‹hidden›\"}")]);
        var mara = new Browsing(server);
        await mara.LogInAsync("mara");
        using (IHtmlDocument page = await mara.PageAsync("/dead"))
        {
            Assert.Equal(["d3", "d2", "d1"], page.QuerySelectorAll(".b-dead input").Select(box => box.GetAttribute("value")));
            Assert.True(page.QuerySelector(".b-dead input[value=d3]")!.IsDisabled());
            Assert.Equal("app-1@box died", page.QuerySelector(".b-dead td.c-worker")!.TextContent);
        }
        using (IHtmlDocument ask = await mara.PageAsync("/dead/again?run=d1&run=d3&run=nothing"))
        {
            Assert.Equal("Call it again?", ask.QuerySelector("h1")!.TextContent);
            Assert.Contains("1 cannot be called again", ask.QuerySelector(".b-confirm p")!.TextContent, StringComparison.Ordinal);
            Assert.Equal(["d1"], ask.QuerySelectorAll("input[name=run]").Select(run => run.GetAttribute("value")));
        }
        using HttpResponseMessage done = await mara.SendFormAsync("/dead/again?run=d1", "/dead/again");
        Assert.Equal("/dead?called=1&left=0", done.Headers.Location!.OriginalString);
        TaskRun again = Assert.Single(await server.Log.Queries.ChildrenAsync("local", "d1", 10, ServerHost.Cancel));
        Assert.Equal(("shop.resize", "[1]", RunState.Pending), (again.Task, again.Args, again.State));
        // The same form again, as when somebody else was faster: it is no dead letter any more.
        await mara.PostAsync("/dead/again", ("run", "d1"));
        Assert.Single(await server.Log.Queries.ChildrenAsync("local", "d1", 10, ServerHost.Cancel));
        using HttpResponseMessage all = await mara.SendFormAsync("/dead/again?all=yes", "/dead/again");
        Assert.Equal("/dead?called=1&left=1", all.Headers.Location!.OriginalString);
        using IHtmlDocument left = await mara.PageAsync(all.Headers.Location.OriginalString);
        Assert.Equal(["d3"], left.QuerySelectorAll(".b-dead input").Select(box => box.GetAttribute("value")));
        Assert.Contains("1 called again; 1 cannot be", left.QuerySelector(".b-done")!.TextContent, StringComparison.Ordinal);
        await server.Get<AuditTrail>().WriteAsync(all: true, ServerHost.Cancel);
        IReadOnlyList<AuditEntry> audit = await server.Access.AuditAsync(new AuditQuery(Text: "called again"), 10, ServerHost.Cancel);
        Assert.Equal(["dead.retry all"], audit.Select(row => $"{row.What} {row.About}"));
        Assert.Equal("d1", Assert.Single(await server.Access.AuditAsync(new AuditQuery(What: "run"), 10, ServerHost.Cancel)).About);
    }

    [Fact]
    public async Task Two_who_call_the_same_dead_letter_again_call_it_once()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. Dead("d1", "shop.resize", "[1]")]);
        TaskRun letter = Assert.Single(await server.Log.Queries.FindAsync("d1", null, ServerHost.Cancel));
        var letters = server.Get<Belfry.Server.Sources.DeadLetters>();
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => letters.CallAgainAsync(letter, ServerHost.Cancel)));
        Assert.Single(ids.Distinct());
        Assert.Single(await server.Log.Queries.ChildrenAsync("local", "d1", 10, ServerHost.Cancel));
    }

    [Fact]
    public async Task Who_may_only_look_sees_them_and_calls_none()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddUserAsync("vera", Role.Viewer);
        await server.AppendAsync([.. Dead("d1", "shop.resize", "[1]")]);
        var vera = new Browsing(server);
        await vera.LogInAsync("vera");
        using IHtmlDocument page = await vera.PageAsync("/dead");
        Assert.Single(page.QuerySelectorAll(".b-dead tbody tr"));
        Assert.Empty(page.QuerySelectorAll(".b-dead input, button[form=dead]"));
        Assert.Equal(HttpStatusCode.Forbidden, (await vera.GetAsync("/dead/again?run=d1")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await vera.PostAsync("/dead/again", ("run", "d1"))).StatusCode);
        Assert.Empty(await server.Log.Queries.ChildrenAsync("local", "d1", 10, ServerHost.Cancel));
    }

    [Fact]
    public async Task The_log_the_run_and_the_health_page_lead_there()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. Dead("d1", "shop.resize", "[1]")]);
        var anybody = new Browsing(server);
        foreach (string path in new[] { "/log?last=all", "/runs/d1", "/health" })
        {
            using IHtmlDocument page = await anybody.PageAsync(path);
            Assert.NotNull(page.QuerySelector("a[href='/dead']"));
        }
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task In_a_browser_some_are_chosen_and_called_again(int width, ColorScheme theme)
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await using Browser browser = await Browser.OpenAsync(width, theme);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/dead");
        await browser.PictureAsync("dead-none");
        foreach (int n in Enumerable.Range(0, 7))
        {
            await host.AppendAsync([.. Dead($"0195f{n}2a-7c41-7a0e-8f00-1d2c3b4a5{n}60", n < 5 ? "shop.pictures.resize" : "shop.mail.send_the_monthly_statement", $"{{\"order\":\"2026-10{n}\",\"width\":{640 + n}}}")]);
        }
        await host.AppendAsync([.. Dead("secret", "shop.mail.send_the_monthly_statement", "{\"token\":\"‹hidden›\"}")]);
        await page.GotoAsync(host.Root + "/dead");
        await browser.PictureAsync("dead");
        foreach (ILocator box in (await page.Locator(".b-dead input:enabled").AllAsync()).Take(6))
        {
            await box.CheckAsync();
        }
        await page.ClickAsync("text=Call the chosen again");
        await browser.PictureAsync("dead-ask");
        await page.ClickAsync("text=Call 6 again");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("6 called again.");
        await browser.PictureAsync("dead-called");
        await page.GotoAsync(host.Root + "/health");
        await browser.PictureAsync("dead-health");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    /// <summary>A call whose process died in all of its attempts.</summary>
    internal static IEnumerable<TaskEvent> Dead(string id, string task, string arguments)
    {
        Instant at = Instant.Now(TimeProvider.System) - TimeSpan.FromMinutes(10);
        bool named = arguments.StartsWith('{');
        yield return new TaskEvent
        {
            Source = "local", Id = id, Kind = EventKind.Submitted, At = at, Attempt = 5, Task = task, Args = named ? null : arguments, Kwargs = named ? arguments : null, Queue = "default",
        };
        yield return new TaskEvent { Source = "local", Id = id, Kind = EventKind.Started, At = at + TimeSpan.FromSeconds(1), Attempt = 5, Worker = "app-1@box" };
        yield return new TaskEvent { Source = "local", Id = id, Kind = EventKind.Lost, At = at + TimeSpan.FromSeconds(9), Attempt = 5, Worker = "app-1@box", Reason = CallEvents.DeadLetter };
    }
}
