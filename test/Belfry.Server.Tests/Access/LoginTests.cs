using System.Net;
using Belfry.Server.Access;
using Microsoft.Net.Http.Headers;

namespace Belfry.Server.Tests.Access;

public sealed class LoginTests
{
    [Fact]
    [Trait("row", "83")]
    public async Task The_right_password_opens_the_pages_and_the_GETs_of_the_api_until_logging_out()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage entered = await LogInAsync(server, "mara", ServerHost.Password, "/log?state=failed");
        Assert.Equal(HttpStatusCode.SeeOther, entered.StatusCode);
        Assert.Equal("/log?state=failed", entered.Headers.Location?.OriginalString);
        SetCookieHeaderValue session = Cookies(entered).Single(cookie => cookie.Name == Sessions.Cookie);
        Assert.True(session.HttpOnly);
        Assert.Equal(Microsoft.Net.Http.Headers.SameSiteMode.Lax, session.SameSite);

        string cookie = $"{session.Name}={session.Value}";
        using HttpResponseMessage page = await server.GetAsync("/log", ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using HttpResponseMessage api = await server.GetAsync("/api/v1/runs", ("Cookie", cookie));
        Assert.Equal(HttpStatusCode.OK, api.StatusCode);
        var change = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs");
        change.Headers.Add("Cookie", cookie);
        using HttpResponseMessage refused = await server.Client.SendAsync(change, ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        Browsing browser = new(server);
        await browser.LogInAsync("mara");
        using HttpResponseMessage left = await browser.PostAsync("/logout");
        Assert.Equal("/login", left.Headers.Location?.OriginalString);
        Assert.True(Cookies(left).Single().Expires < DateTimeOffset.UnixEpoch.AddYears(1));
    }

    [Theory]
    [InlineData("mara", "wrong horse")]
    [InlineData("nobody", "correct horse")]
    [InlineData("", "")]
    public async Task A_wrong_name_or_password_is_told_alike(string name, string password)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage refused = await LogInAsync(server, name, password, "/");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Contains("Name or password is wrong.", await refused.Content.ReadAsStringAsync(ServerHost.Cancel));
        Assert.DoesNotContain(Cookies(refused), cookie => cookie.Name == Sessions.Cookie);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/größe")]
    public async Task It_leads_to_no_other_site(string back)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage entered = await LogInAsync(server, "mara", ServerHost.Password, back);
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task Who_tries_too_often_waits()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage refused = await LogInAsync(server, "mara", "guess", "/");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
        HttpStatusCode last = HttpStatusCode.OK;
        // A slow machine may have earned a try or two meanwhile.
        for (int i = 0; i < 5 && last != HttpStatusCode.TooManyRequests; i++)
        {
            using HttpResponseMessage refused = await LogInAsync(server, "mara", ServerHost.Password + i, "/");
            last = refused.StatusCode;
        }
        Assert.Equal(HttpStatusCode.TooManyRequests, last);
    }

    [Fact]
    public async Task A_form_that_is_not_ours_is_not_read()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage refused = await server.Client.PostAsync(
            "/login", new FormUrlEncodedContent([KeyValuePair.Create("name", "mara"), KeyValuePair.Create("password", ServerHost.Password)]), ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_changed_password_ends_the_sessions_and_so_does_logging_out_everywhere_and_taking_the_user_away()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        Func<string, Task<AccountChange>>[] ends =
        [
            name => server.Access.SetPasswordAsync(name, Passwords.Hash(ServerHost.Password), Secrets.New(), Actor.Command, ServerHost.Cancel),
            name => server.Access.EndSessionsAsync(name, Actor.Command, ServerHost.Cancel),
            name => server.Access.ChangeAsync(name, user => user with { Disabled = true }, Actor.Command, keepAdmin: true, ServerHost.Cancel),
            name => server.Access.RemoveAsync(name, Actor.Command, keepAdmin: true, ServerHost.Cancel),
        ];
        for (int i = 0; i < ends.Length; i++)
        {
            await server.AddUserAsync($"ines with blanks {i}", Role.Viewer);
            Browsing browser = new(server);
            using HttpResponseMessage entered = await browser.LogInAsync($"ines with blanks {i}");
            Assert.Equal(HttpStatusCode.SeeOther, entered.StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/log")).StatusCode);
            Assert.Equal(AccountChange.Done, await ends[i]($"ines with blanks {i}"));
            server.Get<AccountBook>().Forget();
            Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/log")).StatusCode);
        }
    }

    [Fact]
    public async Task A_forged_session_is_none()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage page = await server.GetAsync("/log", ("Cookie", $"{Sessions.Cookie}=bWFyYQ"));
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
    }

    static Task<HttpResponseMessage> LogInAsync(ServerHost server, string name, string password, string back) => new Browsing(server).LogInAsync(name, password, back);

    static IList<SetCookieHeaderValue> Cookies(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? values) ? SetCookieHeaderValue.ParseList([.. values]) : [];
}
