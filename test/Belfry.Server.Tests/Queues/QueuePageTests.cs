using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Belfry.Server.Access;
using Belfry.Server.Admin;
using Belfry.Server.Sources;
using Belfry.Server.Tests.Access;
using Belfry.Server.Tests.Admin;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Queues;

/// <summary>The pages of queues: what stands there, what it leads to, and what people may do.</summary>
public sealed class QueuePageTests : IAsyncLifetime
{
    RedisServer _redis = null!;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    [Fact]
    [Trait("row", "115")]
    public async Task The_list_names_clusters_and_queues_and_leads_to_what_waits()
    {
        await FillAsync();
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Sources = [Shop, Gone]);
        await SampleAsync(server);
        var anybody = new Browsing(server);
        string one;
        using (IHtmlDocument page = await anybody.PageAsync("/queues"))
        {
            Assert.Equal(["shop", "gone"], page.QuerySelectorAll("h2").Select(head => head.TextContent));
            Assert.Contains("cannot be reached", page.QuerySelector(".b-error")!.TextContent, StringComparison.Ordinal);
            IElement row = page.QuerySelectorAll(".b-queues tbody tr").Single(row => row.TextContent.Contains("celery", StringComparison.Ordinal));
            Assert.Equal(["celery", "125", "0: 120, 6: 5"], row.Children.Take(3).Select(cell => cell.TextContent.Trim()));
            Assert.Contains(row.Children[6].TextContent, (string[])["90", "125"]); // it may have been measured meanwhile
            one = row.QuerySelector("a")!.GetAttribute("href")!;
        }
        using IHtmlDocument queue = await anybody.PageAsync(one);
        Assert.Equal(["0", "shop.tasks.buy", "shop", "0", MadeUpMessage.IdOf(0)], queue.QuerySelectorAll(".b-waiting tbody tr")[0].Children.Select(cell => cell.TextContent.Trim()));
        Assert.Contains("1–100 of 125", queue.QuerySelector(".b-foot")!.TextContent, StringComparison.Ordinal);
        using IHtmlDocument later = await anybody.PageAsync(queue.QuerySelector("a[rel=next]")!.GetAttribute("href")!);
        Assert.Equal(25, later.QuerySelectorAll(".b-waiting tbody tr").Length);
        using IHtmlDocument mail = await anybody.PageAsync(one + "&app=mail");
        Assert.Equal(5, mail.QuerySelectorAll(".b-waiting tbody tr").Length);
        Assert.NotEmpty(mail.QuerySelectorAll(".b-figures tbody tr"));
        using IHtmlDocument nobody = await anybody.PageAsync(one + "&id=nobody");
        Assert.Equal("No message matches.", nobody.QuerySelectorAll(".b-none")[^1].TextContent);
        Assert.Empty(nobody.QuerySelectorAll(".b-head-actions a"));
        await anybody.PageAsync("/queues/one?source=nobody&name=celery", HttpStatusCode.NotFound);
    }

    [Fact]
    [Trait("row", "116")]
    public async Task Purging_asks_for_the_name_takes_what_was_chosen_and_is_audited()
    {
        await FillAsync();
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources = [Shop]);
        var mara = new Browsing(server);
        await mara.LogInAsync("mara");
        using (IHtmlDocument ask = await mara.PageAsync("/queues/purge?source=shop&name=celery&app=mail"))
        {
            Assert.Equal("Purge 5 messages?", ask.QuerySelector("h1")!.TextContent);
        }
        using (HttpResponseMessage untyped = await mara.SendFormAsync("/queues/purge?source=shop&name=celery&app=mail", "/queues/purge", ("confirm", "mail")))
        {
            Assert.Equal(HttpStatusCode.BadRequest, untyped.StatusCode);
        }
        using HttpResponseMessage done = await mara.SendFormAsync("/queues/purge?source=shop&name=celery&app=mail", "/queues/purge", ("confirm", "celery"));
        using (IHtmlDocument after = await mara.PageAsync(done.Headers.Location!.OriginalString))
        {
            Assert.Equal("5 messages purged.", after.QuerySelector(".b-done")!.TextContent);
            Assert.Contains("of 120", after.QuerySelector(".b-foot")!.TextContent, StringComparison.Ordinal);
        }
        using HttpResponseMessage all = await mara.SendFormAsync("/queues/purge?source=shop&name=celery", "/queues/purge", ("confirm", "celery"));
        Assert.Equal("0", await _redis.AskAsync("LLEN", "celery"));
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        Assert.Equal(2, (await server.Access.AuditAsync(new AuditQuery(Who: "mara", What: "queue.purge"), 10, Cancel)).Count);
    }

    [Fact]
    public async Task Moving_asks_where_to_and_leads_there()
    {
        await FillAsync();
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources = [Shop]);
        await server.AddUserAsync("olga", Role.Operator);
        var olga = new Browsing(server);
        await olga.LogInAsync("olga");
        using HttpResponseMessage same = await olga.SendFormAsync("/queues/move?source=shop&name=celery", "/queues/move", ("to", "celery"));
        Assert.Equal(HttpStatusCode.BadRequest, same.StatusCode);
        using HttpResponseMessage done = await olga.SendFormAsync("/queues/move?source=shop&name=celery", "/queues/move", ("to", "slow"));
        using IHtmlDocument after = await olga.PageAsync(done.Headers.Location!.OriginalString);
        Assert.Equal(("125 messages moved here.", "slow"), (after.QuerySelector(".b-done")!.TextContent, after.QuerySelector("h1")!.TextContent));
        Assert.Empty(after.QuerySelectorAll(".b-btn-danger")); // an operator purges only if that is given
        Assert.Equal(HttpStatusCode.Forbidden, (await olga.GetAsync("/queues/purge?source=shop&name=slow")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await olga.PostAsync("/queues/purge", ("source", "shop"), ("name", "slow"), ("confirm", "slow"))).StatusCode);
        Assert.Equal("120", await _redis.AskAsync("LLEN", "slow"));
    }

    [Fact]
    [Trait("row", "112")]
    public void A_backlog_is_drawn_by_time_with_gaps_where_nothing_was_measured()
    {
        Instant from = new(0);
        TimeSpan step = TimeSpan.FromMinutes(5);
        SamplePoint At(int place, double value) => new(from + (step * place), value, value + 1);
        BacklogShape shape = BacklogShape.Of([At(0, 0), At(1, 10), At(5, 5), At(99, 3)], from, step);
        Assert.Equal("M0.5 17h.4L1.5 1M5.5 9h.4", shape.Line);
        Assert.Equal("M0.5 18L0.5 17L1.5 1L1.5 18zM5.5 18L5.5 9L5.5 18z", shape.Area);
        Assert.Equal(11, shape.Highest);
        Assert.Null(BacklogShape.Of([], from, step).Highest);
    }

    [Fact]
    [Trait("row", "112")]
    public async Task What_waits_while_nothing_completes_is_told_in_stretches_of_five_minutes()
    {
        await FillAsync();
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Sources = [Shop]);
        const long five = 300_000_000;
        var from = new Instant(((Instant.Now(TimeProvider.System).Micros / five) - 12) * five);
        await server.Log.SampleAsync([.. Enumerable.Range(0, 90).Select(n => new Sample("shop", SampleKinds.QueueLength, "celery", from + TimeSpan.FromSeconds(10 * n), n < 30 ? 10 : n < 60 ? 40 : n))], Cancel);
        using IHtmlDocument page = await new Browsing(server).PageAsync("/queues/one?source=shop&name=celery");
        Assert.Equal(["74 89", "40 40", "10 10"], page.QuerySelectorAll(".b-figures tbody tr").TakeLast(3).Select(row => $"{row.Children[1].TextContent} {row.Children[2].TextContent}"));
        Assert.Equal("now", page.QuerySelectorAll(".b-backlog-box text")[^1].TextContent);
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task In_a_browser_without_script_a_queue_is_looked_at_and_purged(int width, ColorScheme theme)
    {
        await FillAsync();
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Sources = [Shop, Gone]);
        await SampleAsync(server);
        await using Browser browser = await Browser.OpenAsync(width, theme, script: false);
        IPage page = browser.Page;
        await page.GotoAsync(server.Client.BaseAddress + "login");
        await page.FillAsync("input[name=name]", "mara");
        await page.FillAsync("input[name=password]", ServerHost.Password);
        await page.ClickAsync("button[type=submit]");
        await page.GotoAsync(server.Client.BaseAddress + "queues");
        await browser.PictureAsync("queues");
        await page.ClickAsync(".b-queues a >> text=celery");
        await browser.PictureAsync("queue");
        await page.ClickAsync("text=Move…");
        await browser.PictureAsync("queue-move");
        await page.GoBackAsync();
        await page.ClickAsync("text=Purge…");
        await browser.PictureAsync("queue-purge");
        await page.FillAsync("#confirm", "celery");
        await page.ClickAsync("button >> text=Purge 125");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("125 messages purged.");
        await browser.PictureAsync("queue-purged");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    SourceSettings Shop => new() { Name = "shop", Broker = _redis.Url };

    static SourceSettings Gone => new() { Name = "gone", Broker = $"redis://127.0.0.1:{Machine.FreePort()}/0" };

    async Task FillAsync()
    {
        await _redis.AskAsync(["LPUSH", "celery", .. Enumerable.Range(0, 120).Select(number => MadeUpMessage.Of(number, "shop.tasks.buy"))]);
        await _redis.AskAsync(["LPUSH", "celery\u0006\u00166", .. Enumerable.Range(200, 5).Select(number => MadeUpMessage.Of(number, "mail.tasks.send_the_monthly_statement", priority: 6))]);
        await _redis.AskAsync("LPUSH", "slow", MadeUpMessage.Of(900, "shop.tasks.rebuild_search_index"));
        await _redis.AskAsync("RPOP", "slow");
        await _redis.AskAsync("SADD", "_kombu.binding.slow", "slow\u0006\u0016\u0006\u0016slow");
    }

    static async Task SampleAsync(ServerHost server)
    {
        Instant now = Instant.Now(TimeProvider.System);
        await server.Log.SampleAsync(
            [.. Enumerable.Range(10, 300).Select(n => new Sample("shop", SampleKinds.QueueLength, "celery", now - TimeSpan.FromMinutes(n), Math.Round(45 + (45 * Math.Sin(n / 30.0)))))], Cancel);
    }
}
