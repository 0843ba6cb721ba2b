using System.Net;
using AngleSharp.Html.Parser;
using Belfry.Server.Access;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
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

        using HttpResponseMessage left = await server.Client.PostAsync("/logout", null, ServerHost.Cancel);
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
        for (int i = 0; i < 10; i++)
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
    public void A_changed_password_or_a_user_taken_away_ends_the_sessions()
    {
        var settings = new AccessSettings { Users = [new UserSettings { Name = "mara with spaces", Hash = Passwords.Hash("first password") }] };
        var sessions = new Sessions(settings, new EphemeralDataProtectionProvider(), TimeProvider.System);
        var context = new DefaultHttpContext();
        sessions.Begin(context, settings.Users[0]);
        SetCookieHeaderValue cookie = SetCookieHeaderValue.Parse(context.Response.Headers.SetCookie.ToString());
        context.Request.Headers.Cookie = $"{cookie.Name}={cookie.Value}";
        Assert.Equal("mara with spaces", sessions.Find(context)?.Name);
        settings.Users[0].Hash = Passwords.Hash("first password");
        Assert.Null(sessions.Find(context));
        settings.Users.Clear();
        Assert.Null(sessions.Find(context));
    }

    [Fact]
    public void A_forged_session_is_none()
    {
        var settings = new AccessSettings { Users = [new UserSettings { Name = "mara", Hash = Passwords.Hash("first password") }] };
        var context = new DefaultHttpContext();
        context.Request.Headers.Cookie = $"{Sessions.Cookie}=bWFyYQ";
        Assert.Null(new Sessions(settings, new EphemeralDataProtectionProvider(), TimeProvider.System).Find(context));
    }

    static async Task<HttpResponseMessage> LogInAsync(ServerHost server, string name, string password, string back)
    {
        using HttpResponseMessage shown = await server.GetAsync("/login?return=" + Uri.EscapeDataString(back));
        using var page = new HtmlParser().ParseDocument(await shown.Content.ReadAsStringAsync(ServerHost.Cancel));
        Dictionary<string, string> fields = page.QuerySelectorAll("form input").ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        (fields["name"], fields["password"], fields["return"]) = (name, password, back);
        var request = new HttpRequestMessage(HttpMethod.Post, "/login") { Content = new FormUrlEncodedContent(fields) };
        request.Headers.Add("Cookie", string.Join("; ", Cookies(shown).Select(cookie => $"{cookie.Name}={cookie.Value}")));
        return await server.Client.SendAsync(request, ServerHost.Cancel);
    }

    static IList<SetCookieHeaderValue> Cookies(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? values) ? SetCookieHeaderValue.ParseList([.. values]) : [];
}
