using Belfry.Server.Access;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Admin;

/// <summary>The pages in a real browser, as people use them. Pictures for the eye lie in artifacts/pictures afterwards.</summary>
public sealed class BrowserTests
{
    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Failures_are_found_and_one_is_opened_with_its_trace(int width, ColorScheme theme)
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        await using Browser browser = await Browser.OpenAsync(width, theme);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/");
        await Assertions.Expect(page.Locator("#rows tr").First).ToBeVisibleAsync();
        await browser.PictureAsync("log");

        if (width < 641)
        {
            await page.ClickAsync(".b-sheet-open");
            await page.Locator(".b-rail li a", new() { HasText = "Failed" }).ClickAsync();
            await browser.PictureAsync("log-filters", fullPage: false);
            await page.ClickAsync(".b-sheet-foot a");
        }
        else
        {
            await page.Locator(".b-rail li a", new() { HasText = "Failed" }).ClickAsync();
        }
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(11);
        Assert.EndsWith("/log?state=Failed", page.Url, StringComparison.Ordinal);
        await browser.PictureAsync("log-failed");

        await page.Locator("#rows tr").First.ClickAsync();
        await Assertions.Expect(page.Locator(".is-marked .b-frame-code")).ToHaveTextAsync("return session.get(url, timeout=timeout)");
        await browser.PictureAsync("run");
        await page.GoBackAsync();
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(11);
        await page.GoBackAsync();
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(50);
        await host.CountAsync();
        await page.GotoAsync(host.Root + "/health");
        await browser.PictureAsync("health");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    [Fact]
    public async Task New_runs_appear_by_themselves_and_wait_while_a_row_is_under_the_pointer()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await using Browser browser = await Browser.OpenAsync(1280, ColorScheme.Light);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/log");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Nothing reports here yet");
        await browser.PictureAsync("empty");

        await host.AppendAsync(SampleRuns.Morning());
        ILocator rows = page.Locator("#rows tr");
        await Assertions.Expect(rows).ToHaveCountAsync(50);
        await host.AppendAsync(SampleRuns.Life("fresh-1", "gap.fresh", 0.5, null));
        await Assertions.Expect(rows.First).ToContainTextAsync("fresh");
        await Assertions.Expect(rows.First).ToContainTextAsync("Running");

        await rows.Nth(3).HoverAsync();
        string under = await rows.Nth(3).GetAttributeAsync("data-key") ?? "";
        await host.AppendAsync([.. SampleRuns.Life("fresh-2", "gap.fresh", 0.4, null), .. SampleRuns.Life("fresh-3", "gap.fresh", 0.3, null)]);
        await Assertions.Expect(page.Locator("#live")).ToHaveTextAsync("2 new");
        Assert.Equal(under, await rows.Nth(3).GetAttributeAsync("data-key"));
        await browser.PictureAsync("log-new", fullPage: false);
        await page.ClickAsync("#live");
        await Assertions.Expect(rows.First).ToHaveAttributeAsync("data-key", "prod-celery fresh-3 1");
        await Assertions.Expect(rows).ToHaveCountAsync(50);
        await Assertions.Expect(page.Locator("#live")).ToHaveTextAsync("Live");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    [Fact]
    public async Task A_live_page_goes_on_after_a_proxy_said_that_the_server_is_away()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        await using Browser browser = await Browser.OpenAsync(1280, ColorScheme.Light);
        int asked = 0;
        await browser.Page.RouteAsync("**/log/live*", route => Interlocked.Increment(ref asked) == 1 ? route.FulfillAsync(new() { Status = 502, Body = "Bad Gateway" }) : route.ContinueAsync());
        await browser.Page.GotoAsync(host.Root + "/log");
        await Assertions.Expect(browser.Page.Locator("#rows tr")).ToHaveCountAsync(50);
        await host.AppendAsync(SampleRuns.Life("fresh-1", "gap.fresh", 0.5, null));
        await Assertions.Expect(browser.Page.Locator("#rows tr").First).ToContainTextAsync("fresh");
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Who_logs_in_gets_where_they_wanted_and_may_leave(int width)
    {
        await using AdminHost host = await AdminHost.StartAsync(change: settings => settings.Access.Open = false);
        await host.Access.AddAsync(new Account { Name = "mara", Hash = Passwords.Hash("a long password"), Role = Role.Admin, Stamp = Secrets.New() }, Actor.Command, AdminHost.Cancel);
        await host.AppendAsync(SampleRuns.Morning());
        await using Browser browser = await Browser.OpenAsync(width, ColorScheme.Light);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/log?state=Failed");
        await page.FillAsync("#name", "mara");
        await page.FillAsync("#password", "a long password");
        await browser.PictureAsync("login");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(11);
        await page.ClickAsync(".b-account summary");
        await browser.PictureAsync("account", fullPage: false);
        await page.ClickAsync(".b-account button");
        await Assertions.Expect(page.Locator("#name")).ToBeVisibleAsync();
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    [Fact]
    public async Task Keys_search_walk_and_open()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        await using Browser browser = await Browser.OpenAsync(1280, ColorScheme.Light);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/log?live=0");
        await page.Keyboard.PressAsync("[");
        await Assertions.Expect(page.Locator(".b-foot")).ToContainTextAsync("51–100");
        await page.Keyboard.PressAsync("]");
        await Assertions.Expect(page.Locator(".b-foot")).ToContainTextAsync("1–50");
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("northgate-prices");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(3);
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("j");
        await Assertions.Expect(page.Locator("#rows tr.is-cursor")).ToContainTextAsync("#2");
        await page.Keyboard.PressAsync("o");
        await Assertions.Expect(page.Locator(".b-facts")).ToContainTextAsync("2 of 3");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    [Fact]
    public async Task The_log_needs_no_script()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Morning());
        await using Browser browser = await Browser.OpenAsync(390, ColorScheme.Light, script: false);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/log");
        await page.ClickAsync(".b-sheet-open");
        await page.Locator(".b-rail li a", new() { HasText = "Skipped" }).ClickAsync();
        await Assertions.Expect(page.Locator("#rows tr")).ToHaveCountAsync(1);
        await page.ClickAsync(".b-theme button");
        await Assertions.Expect(page.Locator("html")).ToHaveAttributeAsync("data-bs-theme", "light");
        Assert.EndsWith("state=Skipped", page.Url, StringComparison.Ordinal);
    }
}
