using System.Net;
using Belfry.Server.Access;
using Belfry.Testing;
using Microsoft.AspNetCore.Builder;

namespace Belfry.Server.Tests.Access;

/// <summary>A proxy that tells who comes, as in front of the monitor of an observatory: one header, believed from listed addresses only.</summary>
[Trait("row", "83")]
public sealed class ProxyTests
{
    const string Header = "X-Proxy-Remote-User";

    [Fact]
    public async Task Whom_the_proxy_knows_is_in_with_the_role_by_header_account_or_settings()
    {
        await using ServerHost server = await StartAsync("127.0.0.1");
        await server.AddUserAsync("ines", Role.Operator, user => user with { Purge = true });
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, "/log", "jonas"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server, "/others/run", "jonas"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, "/others/run", "ines"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server, "/users", "ines"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, "/users", "jonas", ("X-Groups", "staff; admin")));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server, "/api/v1/runs", "jonas"));
    }

    [Fact]
    public async Task From_a_foreign_address_the_header_is_ignored_and_counted()
    {
        await using ServerHost server = await StartAsync("10.9.8.7, 192.0.2.0/24");
        Assert.Equal(HttpStatusCode.Redirect, await AskAsync(server, "/log", "mara"));
        Assert.Equal(HttpStatusCode.Redirect, await AskAsync(server, "/log", "mara", ("X-Forwarded-For", "10.9.8.7")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(server, "/api/v1/runs", "mara"));
        await Eventually.HoldsAsync("they are counted", async () =>
            (await server.Log.Queries.RefusalsAsync(ServerHost.Cancel)).SingleOrDefault(refusal => refusal.Source == "access") is { Times: 3 } counted && counted.What.Contains(Header, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_disabled_account_a_strange_name_or_two_names_are_not_let_in()
    {
        await using ServerHost server = await StartAsync("127.0.0.0/8");
        await server.AddUserAsync("gone", Role.Viewer, user => user with { Disabled = true });
        Assert.Equal(HttpStatusCode.Redirect, await AskAsync(server, "/log", "gone"));
        Assert.Equal(HttpStatusCode.Redirect, await AskAsync(server, "/log", new string('x', 101)));
        Assert.Equal(HttpStatusCode.Redirect, await AskAsync(server, "/log", "mara", (Header, "jonas")));
    }

    [Fact]
    public async Task What_a_browser_sends_by_itself_through_the_proxy_changes_nothing()
    {
        await using ServerHost server = await StartAsync("127.0.0.1");
        Browsing browser = new(server, (Header, "jonas"));
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.PostFieldsAsync("/theme", [KeyValuePair.Create("theme", "dark")])).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.PostAsync("/theme", ("theme", "dark"))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.PostAsync("/others/route")).StatusCode);
    }

    [Fact]
    public async Task Behind_it_each_user_has_the_address_the_proxy_saw_and_cookies_are_for_tls()
    {
        await using ServerHost server = await StartAsync("127.0.0.1");
        Browsing browser = new(server, ("X-Forwarded-For", "198.51.100.66, 203.0.113.9"), ("X-Forwarded-Proto", "https"));
        using HttpResponseMessage entered = await browser.LogInAsync("mara");
        Assert.Equal(HttpStatusCode.SeeOther, entered.StatusCode);
        string session = entered.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("__Host-belfry-session=", StringComparison.Ordinal));
        Assert.All(["secure", "httponly", "samesite=lax", "path=/"], part => Assert.Contains(part, session, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/log")).StatusCode);
        await server.Get<AuditTrail>().WriteAsync(all: true, ServerHost.Cancel);
        // What stands left of it was written by whoever came to the proxy.
        Assert.Equal("203.0.113.9", (await server.Access.AuditAsync(new AuditQuery(What: "login"), 1, ServerHost.Cancel))[0].Actor.Address);
    }

    static Task<ServerHost> StartAsync(string addresses) => ServerHost.StartAsync(
        guarded: true,
        change: settings =>
        {
            settings.Access.Proxy.Header = Header;
            settings.Access.Proxy.RoleHeader = "X-Groups";
            settings.Access.Proxy.Addresses = [.. addresses.Split(", ")];
        },
        more: routes =>
        {
            routes.MapGet("/run", () => "ran").RequireRight(Right.Run);
            routes.MapPost("/route", () => "done").RequireScope(Right.Run);
        });

    static async Task<HttpStatusCode> AskAsync(ServerHost server, string path, string user, params (string, string)[] more)
    {
        using HttpResponseMessage answer = await server.GetAsync(path, [(Header, user), .. more]);
        return answer.StatusCode;
    }
}
