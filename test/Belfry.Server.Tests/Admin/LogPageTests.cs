using System.Net;
using AngleSharp.Dom;
using Belfry.Storage;

namespace Belfry.Server.Tests.Admin;

public sealed class LogPageTests
{
    [Fact]
    public async Task The_log_shows_runs_newest_first_with_their_figures()
    {
        await using AdminHost host = await FilledAsync();
        IDocument page = await host.PageAsync("/log");
        string[] ids = Ids(page);
        Assert.Equal(50, ids.Length);
        Assert.Equal(["run-1", "ok-1"], ids[..2]);
        Assert.Contains("1–50 of 41", page.QuerySelector(".b-foot")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("Failed", page.QuerySelector(".b-rail li span")!.TextContent);
        Assert.Equal("11", page.QuerySelector(".b-rail li b")!.TextContent);
        Assert.NotEmpty(page.QuerySelector(".b-bars path.bad")!.GetAttribute("d")!);
    }

    [Theory]
    [InlineData("/log?state=failure", 11)]
    [InlineData("/log?state=Failed&task=gap.tasks.ingestor.run", 1)]
    [InlineData("/log?task=gap.tasks.mail.*", 2)]
    [InlineData("/log?queue=ingest", 4)]
    [InlineData("/log?worker=celery@mail-1&source=prod-celery", 1)]
    [InlineData("/log?q=northgate-prices&state=Failed,Retried", 3)]
    [InlineData("/log?exception=ReadTimeout&state=Failed", 1)]
    [InlineData("/log?q=\"wrong month\"", 1)]
    [InlineData("/log?q=task:*.run state:failed,retried runtime>5s", 3)]
    [InlineData("/log?min_runtime=30", 1)]
    [InlineData("/log?min_runtime=30&from=0001-01-01&to=9999-12-31T23:59", 1)]
    public async Task A_filter_in_the_address_is_what_the_page_shows(string address, int runs)
    {
        await using AdminHost host = await FilledAsync();
        IDocument page = await host.PageAsync(address);
        Assert.Equal(runs, Ids(page).Length);
        Assert.Equal($"1–{runs} of {runs}", page.QuerySelector(".b-foot span")!.TextContent.Trim());
    }

    [Fact]
    public async Task Every_link_of_the_rail_leads_to_what_it_counts()
    {
        await using AdminHost host = await FilledAsync();
        IDocument page = await host.PageAsync("/log");
        foreach (IElement link in page.QuerySelectorAll(".b-rail section:first-of-type li a").Where(link => link.QuerySelector("b")!.TextContent is not "0"))
        {
            IDocument filtered = await host.PageAsync(link.GetAttribute("href")!);
            string words = link.QuerySelector("span")!.TextContent;
            Assert.Equal($"{words} {link.QuerySelector("b")!.TextContent}", $"{words} {filtered.QuerySelector(".b-summary b")!.TextContent}");
            Assert.Equal(words, filtered.QuerySelector(".b-rail a.is-on span")!.TextContent);
        }
    }

    [Fact]
    public async Task Walking_to_older_pages_meets_every_run_once_and_newer_leads_back()
    {
        await using AdminHost host = await FilledAsync();
        List<string> met = [], addresses = ["/log"];
        IDocument page = await host.PageAsync("/log");
        while (true)
        {
            met.AddRange(page.QuerySelectorAll("#rows tr").Select(row => row.GetAttribute("data-key")!));
            if (page.QuerySelector("#older")?.GetAttribute("href") is not { } older)
            {
                break;
            }
            addresses.Add(older);
            page = await host.PageAsync(older);
        }
        Assert.Equal(met.Distinct().Count(), met.Count);
        Assert.Equal((await host.Log.Queries.CountAsync(new RunFilter { From = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(24) }, 10_000, null, AdminHost.Cancel)).Runs, met.Count);
        for (int back = addresses.Count - 2; back >= 0; back--)
        {
            string newer = page.QuerySelector("#newer")!.GetAttribute("href")!;
            Assert.Equal(addresses[back], newer);
            page = await host.PageAsync(newer);
        }
        Assert.Null(page.QuerySelector("#newer"));
    }

    [Fact]
    public async Task What_a_task_sends_is_text_and_never_markup()
    {
        const string evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Life(evil, evil, 5, EventKind.Failed, 1, evil, evil, $"{{'{evil.Replace("'", "\\'", StringComparison.Ordinal)}': 1}}", evil, "Traceback (most recent call last):\n" + evil, evil, source: evil));
        string address = $"/log?q={Uri.EscapeDataString("alert(1)")}&task={Uri.EscapeDataString('"' + evil + '"')}";
        foreach (string path in (string[])["/log", address, $"/runs/{Uri.EscapeDataString(evil)}", "/health"])
        {
            IDocument page = await host.PageAsync(path);
            Assert.Empty(page.QuerySelectorAll("img, script:not([src]), [onerror], [style]"));
            Assert.Contains("alert(1)", page.Body!.TextContent, StringComparison.Ordinal);
        }
        Assert.Single(Ids(await host.PageAsync(address)));
    }

    [Theory]
    [InlineData("/log?state=broken", "broken")]
    [InlineData("/log?q=colour:red", "colour")]
    [InlineData("/log?from=yesterday", "yesterday")]
    [InlineData("/log?last=5y", "5y")]
    [InlineData("/log?min_runtime=long", "long")]
    [InlineData("/log?cursor=zzz", "cursor")]
    public async Task What_is_not_understood_is_named_in_one_line(string address, string named)
    {
        await using AdminHost host = await FilledAsync();
        IDocument page = await host.PageAsync(address, HttpStatusCode.BadRequest);
        Assert.Contains(named, page.QuerySelector("[role=alert]")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_log_says_what_to_do_and_a_search_without_result_which_filter_to_drop()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        Assert.Equal("Nothing reports here yet", (await host.PageAsync("/log")).QuerySelector("h1")!.TextContent);
        await host.AppendAsync(SampleRuns.Life("1", "a.b", 5, EventKind.Succeeded));
        IDocument page = await host.PageAsync("/log?q=nowhere&state=Failed");
        Assert.Equal(["text nowhere", "state Failed", "time last 24 h"], page.QuerySelectorAll(".b-none .b-chip").Select(chip => $"{chip.QuerySelector("span")!.TextContent} {chip.QuerySelector("b")!.TextContent}"));
        Assert.Equal("/log?state=Failed", page.QuerySelector(".b-none .b-chip")!.GetAttribute("href"));
    }

    [Fact]
    public async Task Pages_find_each_other_below_the_path_of_another_application()
    {
        await using AdminHost host = await AdminHost.StartAsync("/ops/belfry");
        await host.AppendAsync(SampleRuns.Life("a/b c", "a.b", 5, EventKind.Succeeded));
        using HttpResponseMessage root = await host.GetAsync("/ops/belfry/");
        Assert.Equal("/ops/belfry/log", root.Headers.Location!.ToString());
        IDocument page = await host.PageAsync("/ops/belfry/log");
        foreach (string address in page.QuerySelectorAll("[href], [action]").Select(link => link.GetAttribute("href") ?? link.GetAttribute("action")!).Where(address => !address.StartsWith('#')))
        {
            Assert.StartsWith("/ops/belfry/", address, StringComparison.Ordinal);
        }
        Assert.Equal("a/b c", (await host.PageAsync(page.QuerySelector("#rows a")!.GetAttribute("href")!)).QuerySelector(".b-details dd")!.TextContent);
        foreach (string file in page.QuerySelectorAll("link[href], script[src]").Select(link => link.GetAttribute("href") ?? link.GetAttribute("src")!))
        {
            using HttpResponseMessage answer = await host.GetAsync(file);
            Assert.True(answer.IsSuccessStatusCode && answer.Headers.CacheControl!.ToString().Contains("immutable", StringComparison.Ordinal), file);
        }
    }

    [Fact]
    public async Task A_theme_is_kept_in_a_cookie_and_leads_back_to_where_one_was()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        using HttpResponseMessage shown = await host.GetAsync("/log");
        string mark = (await host.PageAsync(shown)).QuerySelector(".b-theme input")!.GetAttribute("value")!;
        using HttpRequestMessage request = new(HttpMethod.Post, "/theme") { Content = new FormUrlEncodedContent([new("theme", "dark"), new("form", mark)]) };
        request.Headers.Add("Cookie", shown.Headers.GetValues("Set-Cookie").First().Split(';')[0]);
        request.Headers.Referrer = new Uri(host.Root + "/log?state=Failed");
        request.Headers.Add("Origin", host.Root);
        using HttpResponseMessage answer = await host.SendAsync(request);
        Assert.Equal((HttpStatusCode.SeeOther, "/log?state=Failed"), (answer.StatusCode, answer.Headers.Location!.ToString()));
        using HttpRequestMessage next = new(HttpMethod.Get, "/log");
        next.Headers.Add("Cookie", answer.Headers.GetValues("Set-Cookie").First().Split(';')[0]);
        using HttpResponseMessage page = await host.SendAsync(next);
        Assert.Contains("data-bs-theme=\"dark\"", await page.Content.ReadAsStringAsync(AdminHost.Cancel), StringComparison.Ordinal);
    }

    static async Task<AdminHost> FilledAsync()
    {
        AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        return host;
    }

    static string[] Ids(IDocument page) => [.. page.QuerySelectorAll("#rows tr").Select(row => row.GetAttribute("data-key")!.Split(' ')[1])];
}
