using System.Collections.Concurrent;
using Belfry.Testing;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Admin;

/// <summary>Debian's Chromium with one page.</summary>
sealed class Browser : IAsyncDisposable
{
    const string Chromium = "/usr/bin/chromium";

    static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    readonly IPlaywright _playwright;
    readonly IBrowser _browser;
    readonly ConcurrentQueue<string> _complaints = new();
    readonly string _name;

    Browser(IPlaywright playwright, IBrowser browser, IPage page, string name)
    {
        (_playwright, _browser, Page, _name) = (playwright, browser, page, name);
        // A page that breaks its own content policy says so in the console.
        page.Console += (_, message) => Complain(message.Type is "error" or "warning", $"{message.Text} ({message.Location})");
        page.PageError += (_, error) => Complain(true, error);
        page.Response += (_, answer) => Complain(answer.Status >= 400, $"{answer.Status} {answer.Url}");
    }

    public IPage Page { get; }

    public string Complaints => string.Join('\n', _complaints);

    public static async Task<Browser> OpenAsync(int width, ColorScheme theme, bool script = true)
    {
        Assert.SkipUnless(File.Exists(Chromium), "needs Debian's chromium");
        Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        IPlaywright playwright = await Playwright.CreateAsync();
        IBrowser browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = Arguments });
        IBrowserContext context = await browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = theme, IsMobile = width < 641, HasTouch = width < 641, JavaScriptEnabled = script, TimezoneId = "Europe/Berlin",
        });
        return new Browser(playwright, browser, await context.NewPageAsync(), $"{width}-{theme.ToString().ToLowerInvariant()}");
    }

    public async Task PictureAsync(string page, bool fullPage = true)
    {
        await Page.EvaluateAsync("document.fonts.ready");
        Assert.Equal(0, await Page.EvaluateAsync<int>("Math.max(0, document.documentElement.scrollWidth - innerWidth)"));
        string folder = Path.Combine(Machine.Root, "artifacts", "pictures");
        Directory.CreateDirectory(folder);
        // Playwright would hide the caret by a style of its own, which the policy forbids.
        await Page.ScreenshotAsync(new() { Caret = ScreenshotCaret.Initial, Path = Path.Combine(folder, $"{page}-{_name}.png"), FullPage = fullPage });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    void Complain(bool bad, string text)
    {
        if (bad)
        {
            _complaints.Enqueue(text);
        }
    }
}
