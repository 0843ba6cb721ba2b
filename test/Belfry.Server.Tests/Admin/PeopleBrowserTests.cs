using Belfry.Server.Access;
using Microsoft.Playwright;

namespace Belfry.Server.Tests.Admin;

/// <summary>The pages about people, in a real browser: with keys, without script, at both widths, in both themes.</summary>
public sealed class PeopleBrowserTests
{
    const string Password = "a long password";

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task An_administrator_makes_users_and_tokens_and_reads_what_happened(int width, ColorScheme theme)
    {
        await using AdminHost host = await StartAsync();
        await using Browser browser = await Browser.OpenAsync(width, theme);
        IPage page = await LogInAsync(browser, host);

        await page.GotoAsync(host.Root + "/users");
        await browser.PictureAsync("users");
        await page.FillAsync("#name", "jonas");
        await page.SelectOptionAsync("#role", "operator");
        await page.FillAsync("#password", "another long one");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("Added jonas.");
        await page.ClickAsync("text=jonas >> nth=1");
        await page.SelectOptionAsync("#purge", "given");
        await page.CheckAsync("[name=disabled]");
        await page.Locator("form[action$='/users/change'] button").ClickAsync();
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("Changed.");
        await Assertions.Expect(page.Locator(".b-head p")).ToHaveTextAsync("may view, run, manage, purge");
        await browser.PictureAsync("user");

        await page.GotoAsync(host.Root + "/tokens");
        await page.FillAsync("#name", "grafana");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".b-copyline code")).ToContainTextAsync("belfry_");
        await browser.PictureAsync("tokens");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator(".b-copyline")).ToHaveCountAsync(0);
        await page.ClickAsync("[aria-label='Revoke grafana']");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("grafana is gone.");

        await page.GotoAsync(host.Root + "/audit");
        await browser.PictureAsync("audit");
        await page.SelectOptionAsync("[name=what]", "token");
        await page.ClickAsync(".b-filters button");
        await Assertions.Expect(page.Locator(".b-people tbody tr")).ToHaveCountAsync(3);
        Assert.EndsWith("what=token&q=", page.Url, StringComparison.Ordinal);

        await page.GotoAsync(host.Root + "/account");
        await browser.PictureAsync("account-page");
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    [Fact]
    public async Task It_all_goes_without_script_and_by_keys()
    {
        await using AdminHost host = await StartAsync();
        await using Browser browser = await Browser.OpenAsync(390, ColorScheme.Light, script: false);
        IPage page = await LogInAsync(browser, host);
        await page.GotoAsync(host.Root + "/users");
        await page.FocusAsync("#name");
        await page.Keyboard.TypeAsync("jonas");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("admin");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("another long one");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("Added jonas.");
        await page.GotoAsync(host.Root + "/users/edit?name=jonas");
        await Assertions.Expect(page.Locator("#role")).ToHaveValueAsync("admin");
        await page.FillAsync("#confirm", "jonas");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".b-done")).ToHaveTextAsync("jonas is gone.");
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task The_first_administrator_comes_by_the_link(int width, ColorScheme theme)
    {
        await using AdminHost host = await AdminHost.StartAsync(change: settings => settings.Access.Open = false);
        await using Browser browser = await Browser.OpenAsync(width, theme);
        IPage page = browser.Page;
        await page.GotoAsync(host.Root + "/log");
        await Assertions.Expect(page.Locator(".b-login-help")).ToContainTextAsync("Nobody is set up yet");
        await page.GotoAsync(host.Root + await host.SetupLinkAsync());
        await browser.PictureAsync("setup");
        await page.FillAsync("#name", "mara");
        await page.FillAsync("#password", Password);
        await page.FillAsync("#again", Password);
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForURLAsync(host.Root + "/log");
        await page.ClickAsync(".b-account summary");
        await browser.PictureAsync("account-menu", fullPage: false);
        Assert.True(browser.Complaints.Length == 0, browser.Complaints);
    }

    static async Task<AdminHost> StartAsync()
    {
        AdminHost host = await AdminHost.StartAsync(change: settings => settings.Access.Open = false);
        await AddAsync("mara", Role.Admin, user => user with { Email = "mara@example.org" });
        await AddAsync("ines", Role.Operator, user => user with { Purge = true });
        await AddAsync("a.very.long.name.of.somebody@example.org", Role.Viewer, user => user with { Disabled = true, Origin = AccountOrigin.SignOn, Hash = null });
        await host.Access.AddAsync(new AccessToken { Name = "nagios", Hash = TokenHash.Of("x"), Scopes = [Scope.Read, Scope.Run, Scope.Write], Expires = new Instant(1) }, Actor.Command, AdminHost.Cancel);
        return host;

        Task AddAsync(string name, Role role, Func<Account, Account> change) =>
            host.Access.AddAsync(change(new Account { Name = name, Hash = Passwords.Hash(Password), Role = role, Stamp = Secrets.New() }), Actor.Command, AdminHost.Cancel);
    }

    static async Task<IPage> LogInAsync(Browser browser, AdminHost host)
    {
        await browser.Page.GotoAsync(host.Root + "/login");
        await browser.Page.FillAsync("#name", "mara");
        await browser.Page.FillAsync("#password", Password);
        await browser.Page.Keyboard.PressAsync("Enter");
        await browser.Page.WaitForURLAsync(host.Root + "/log");
        return browser.Page;
    }
}
