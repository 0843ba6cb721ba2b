using System.Net;
using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Access;

/// <summary>The one-time link of a server that has no administrator.</summary>
public sealed class SetupTests
{
    readonly ManualClock _clock = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task It_makes_the_first_administrator_and_is_good_once()
    {
        await using ServerHost server = await StartAsync();
        string link = (await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel))!;
        Browsing browser = new(server);
        using HttpResponseMessage made = await browser.SendFormAsync(link, "/setup", ("name", "mara"), ("password", ServerHost.Password), ("again", ServerHost.Password));
        Assert.Equal(HttpStatusCode.SeeOther, made.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/users")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync(link)).StatusCode);
        Assert.Null(await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel));
        AuditEntry row = Assert.Single(await server.Access.AuditAsync(new AuditQuery(What: "user.add"), 10, ServerHost.Cancel));
        Assert.Equal(("mara", "link"), (row.Actor.Name, row.Actor.Via));
    }

    [Fact]
    public async Task It_ends_after_an_hour_and_when_another_administrator_came_first()
    {
        await using ServerHost server = await StartAsync(_clock);
        string link = (await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel))!;
        Browsing browser = new(server);
        await browser.PageAsync(link);
        _clock.Advance(SetupLink.Length);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync(link)).StatusCode);

        string another = (await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel))!;
        using var form = await browser.PageAsync(another);
        await server.AddUserAsync("ines", Role.Admin);
        Dictionary<string, string> fields = form.QuerySelectorAll("form input").ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        (fields["name"], fields["password"], fields["again"]) = ("eve", ServerHost.Password, ServerHost.Password);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.PostFieldsAsync("/setup", fields)).StatusCode);
        Assert.Null((await server.Access.ListAsync(ServerHost.Cancel)).User("eve"));
    }

    [Theory]
    [InlineData("mara", "tiny", "tiny", "too short")]
    [InlineData("mara", "long enough", "long enougj", "not the same")]
    [InlineData(" mara", "long enough", "long enough", "no blanks")]
    [InlineData("long enough", "Long Enough", "Long Enough", "is the name")]
    public async Task What_is_wrong_is_told_and_the_link_stays_good(string name, string password, string again, string told)
    {
        await using ServerHost server = await StartAsync();
        string link = (await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel))!;
        using HttpResponseMessage refused = await new Browsing(server).SendFormAsync(link, "/setup", ("name", name), ("password", password), ("again", again));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        string page = await refused.Content.ReadAsStringAsync(ServerHost.Cancel);
        Assert.Contains(told, page);
        Assert.DoesNotContain(again, page.Replace($"value=\"{name}\"", "", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(link)).StatusCode);
    }

    [Theory]
    [InlineData("/setup")]
    [InlineData("/setup?key=")]
    [InlineData("/setup?key=0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task Without_it_there_is_no_form(string path)
    {
        await using ServerHost server = await StartAsync();
        await server.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync(path)).StatusCode);
    }

    static Task<ServerHost> StartAsync(TimeProvider? clock = null) => ServerHost.StartAsync(change: settings => settings.Access.Open = false, clock: clock);
}
