using System.Net;
using AngleSharp.Html.Dom;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Tests.Access;
using Belfry.Server.Tests.Admin;
using Belfry.Testing;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Workers;

/// <summary>The pages of workers, with real ones.</summary>
public sealed class WorkerPageTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    [Fact]
    public async Task Workers_are_listed_with_pool_queues_and_what_they_do()
    {
        await using ServerHost host = await lab.ServeAsync();
        var mara = new Browsing(host);
        await mara.LogInAsync("mara");
        using IHtmlDocument page = await mara.PageAsync("/workers");
        Assert.Matches("^2 of 2 online, [0-9] of [0-9] slots busy$", page.QuerySelector(".b-head p")!.TextContent);
        string row = page.QuerySelectorAll(".b-workers tbody tr").Single(row => row.TextContent.Contains("w1@lab", StringComparison.Ordinal)).TextContent;
        foreach (string wanted in (string[])["Online", "lab", "prefork", "celery"])
        {
            Assert.Contains(wanted, row, StringComparison.Ordinal);
        }
        using IHtmlDocument worker = await mara.PageAsync("/workers/w1%40lab?source=lab");
        Assert.Contains("lab.sleep", worker.Body!.TextContent, StringComparison.Ordinal);
        Assert.Contains("lab-feeds", worker.Body.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", worker.Body.TextContent, StringComparison.Ordinal);
        using IHtmlDocument nobody = await mara.PageAsync("/workers/w9%40lab?source=lab", HttpStatusCode.NotFound);
        Assert.Contains("No worker 'w9@lab' is known.", nobody.Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Starts_that_nobody_saw_stand_on_the_page_of_their_worker_and_in_the_api()
    {
        await using ServerHost host = await lab.ServeAsync();
        Instant now = Instant.Now(TimeProvider.System);
        var unseen = UnseenStart.Of(now - TimeSpan.FromSeconds(40), now, 17, [KeyValuePair.Create("ign", 15L), KeyValuePair.Create("flaky", 2L)]);
        await host.Log.SampleAsync([unseen.ToSample("lab", "w1@lab", [])], ServerHost.Cancel);
        var mara = new Browsing(host);
        await mara.LogInAsync("mara");
        using IHtmlDocument page = await mara.PageAsync("/workers/w1%40lab?source=lab");
        Assert.Contains("17: ign 15, flaky 2", page.Body!.TextContent, StringComparison.Ordinal);
        using HttpResponseMessage answer = await mara.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/api/v1/workers/w1%40lab?source=lab"));
        Assert.Contains("\"starts\":17,\"tasks\":{\"ign\":15,\"flaky\":2}", (await answer.Content.ReadAsStringAsync(ServerHost.Cancel)).Replace(" ", ""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_is_told_after_a_question_and_what_it_said_is_shown()
    {
        await using ServerHost host = await lab.ServeAsync();
        var mara = new Browsing(host);
        await mara.LogInAsync("mara");
        const string ask = "/control?command=add-consumer&source=lab&worker=w1%40lab&queue=pages";
        using (IHtmlDocument question = await mara.PageAsync(ask))
        {
            Assert.Equal("Take from another queue: w1@lab?", question.QuerySelector("h1")!.TextContent);
            Assert.Contains("pages", question.QuerySelector(".b-asked")!.TextContent, StringComparison.Ordinal);
        }
        using HttpResponseMessage told = await mara.SendFormAsync(ask, "/control");
        Assert.Equal(HttpStatusCode.SeeOther, told.StatusCode);
        using (IHtmlDocument after = await mara.PageAsync(told.Headers.Location!.OriginalString))
        {
            Assert.Equal("w1@lab: add consumer pages", after.QuerySelector(".b-done")!.TextContent);
            Assert.Contains("pages", string.Join(' ', after.QuerySelectorAll(".b-names b").Select(name => name.TextContent)), StringComparison.Ordinal);
        }
        using (IHtmlDocument forged = await mara.PageAsync("/workers/w1%40lab?source=lab&said=all+is+lost"))
        {
            Assert.Null(forged.QuerySelector(".b-done"));
        }
        using HttpResponseMessage refused = await mara.SendFormAsync("/control?command=rate-limit&source=lab&worker=w1%40lab&task=none.such&rate=1%2Fm", "/control");
        using IHtmlDocument said = await mara.PageAsync(refused.Headers.Location!.OriginalString);
        Assert.Equal("w1@lab: unknown task", said.QuerySelector(".b-error")!.TextContent);
        await mara.PageAsync("/control?command=rate-limit&source=lab&worker=w1%40lab&task=lab.add&rate=often", HttpStatusCode.BadRequest);
        await mara.PageAsync("/control?command=explode&source=lab&worker=w1%40lab", HttpStatusCode.NotFound);
        await host.Get<AuditTrail>().WriteAsync(all: true, ServerHost.Cancel);
        Assert.Equal(
            ["control.add-consumer w1@lab queue pages, 1 answered", "control.rate-limit w1@lab task none.such, rate 1/m, 1 answered"],
            (await host.Access.AuditAsync(new AuditQuery(What: "control"), 10, ServerHost.Cancel)).Select(row => $"{row.What} {row.About} {row.Detail}").Order());
    }

    [Fact]
    public async Task Who_may_only_look_sees_no_actions_and_can_do_none()
    {
        await using ServerHost host = await lab.ServeAsync();
        await host.AddUserAsync("vera", Role.Viewer);
        var vera = new Browsing(host);
        await vera.LogInAsync("vera");
        using IHtmlDocument worker = await vera.PageAsync("/workers/w1%40lab?source=lab");
        Assert.Empty(worker.QuerySelectorAll(".b-act, form[action$='/control']"));
        await vera.PageAsync("/control?command=shutdown&source=lab&worker=w1%40lab", HttpStatusCode.Forbidden);
        using HttpResponseMessage told = await vera.PostAsync("/control", ("command", "shutdown"), ("source", "lab"), ("worker", "w1@lab"));
        Assert.Equal(HttpStatusCode.Forbidden, told.StatusCode);
    }

    [Fact]
    public async Task A_broker_that_is_away_holds_no_page_up()
    {
        await using ServerHost host = await ServerHost.StartAsync(change: settings => settings.Sources.Add(new SourceSettings { Name = "away", Broker = $"redis://127.0.0.1:{Machine.FreePort()}/0" }));
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        using IHtmlDocument page = await new Browsing(host).PageAsync("/workers");
        Assert.Contains("away cannot be asked: redis://127.0.0.1", page.QuerySelector(".b-error")!.TextContent, StringComparison.Ordinal);
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task The_pages_look_as_they_should_and_need_no_script(int width, ColorScheme theme)
    {
        await using ServerHost host = await lab.ServeAsync();
        for (int i = 0; i < 3; i++)
        {
            await lab.Cluster.SendAsync("lab.sleep", [8]);
        }
        await lab.Cluster.SendAsync("lab.add", ["northgate-prices", 2], new { countdown = 500 });
        await using Browser browser = await Browser.OpenAsync(width, theme, script: width > 640);
        IPage page = browser.Page;
        await page.GotoAsync(host.Client.BaseAddress + "workers");
        await page.FillAsync("[name=name]", "mara");
        await page.FillAsync("[name=password]", ServerHost.Password);
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Workers");
        await browser.PictureAsync("workers");
        await page.ClickAsync("text=w1@lab");
        await page.Locator(".b-act summary >> text=Limit how often").ClickAsync();
        await browser.PictureAsync("worker");
        await page.SelectOptionAsync("#rate-limit-task", "lab.fail");
        await page.FillAsync("#rate-limit-rate", "10/m");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Limit how often a task starts: w1@lab?");
        await browser.PictureAsync("worker-confirm");
        await page.ClickAsync(".b-confirm-end button");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("w1@lab: new rate limit set successfully");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }
}
