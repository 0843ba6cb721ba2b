using System.Net;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Belfry.Testing;

namespace Belfry.Server.Tests.Access;

/// <summary>Accounts, tokens and the audit on both engines.</summary>
public sealed class AccessStoreTests(PostgresFixture postgres)
{
    static CancellationToken Cancel => ServerHost.Cancel;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sessions_tokens_and_their_last_use_survive_a_restart(bool onPostgres)
    {
        using TempFolder folder = new();
        string store = await StoreAsync(onPostgres, folder);
        Browsing before;
        await using (ServerHost first = await ServerHost.StartAsync(guarded: true, change: settings => settings.Store = store))
        {
            before = new Browsing(first);
            Assert.Equal(HttpStatusCode.SeeOther, (await before.LogInAsync("mara")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await first.WithToken().GetAsync("/api/v1/runs")).StatusCode);
        }
        await using ServerHost second = await ServerHost.StartAsync(change: settings => (settings.Store, settings.Access.Open) = (store, false));
        using HttpResponseMessage page = await second.GetAsync("/log", ("Cookie", string.Join("; ", before.Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}"))));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await second.WithToken().GetAsync("/api/v1/runs")).StatusCode);
        Assert.NotNull(Assert.Single((await second.Access.ListAsync(Cancel)).Tokens).Used);
        Assert.Contains(await second.Access.AuditAsync(new AuditQuery(), 10, Cancel), row => row is { What: "login", About: "mara", Actor: { Name: "mara", Via: "session", Address: "127.0.0.1" } });
    }

    [Fact]
    public async Task What_waited_while_the_log_could_not_write_stands_in_the_audit_once()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using ServerHost server = await ServerHost.StartAsync(clock: clock);
        using var disk = new ManualResetEventSlim();
        StoreTables tables = await server.Log.TablesAsync(AccessStore.Scripts, Cancel);
        Task<int> hanging = tables.WriteAsync(_ => disk.Wait(TimeSpan.FromSeconds(30)) ? 1 : 0, Cancel);
        server.Get<AuditTrail>().Tell(Actor.Command, "test.act");
        for (int turn = 0; turn < 5; turn++)
        {
            clock.Advance(TimeSpan.FromSeconds(12));
            await Task.Delay(50, Cancel); // the trail has a thread of its own
        }
        disk.Set();
        Assert.Equal(1, await hanging);
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        Assert.Single(await server.Access.AuditAsync(new AuditQuery(What: "test.act"), 10, Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_audit_is_searched_for_names_of_all_letters(bool onPostgres)
    {
        using TempFolder folder = new();
        string store = await StoreAsync(onPostgres, folder);
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Store = store);
        await server.AddUserAsync("Änne", Role.Viewer);
        var browser = new Browsing(server);
        await browser.LogInAsync("Änne");
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        Assert.Equal("login", Assert.Single(await server.Access.AuditAsync(new AuditQuery(Who: "Änne"), 10, Cancel)).What);
        Assert.Equal("login", Assert.Single(await server.Access.AuditAsync(new AuditQuery(Who: "ÄNNE"[..1], What: "LOGIN", Text: "Ä"), 10, Cancel)).What);
        Assert.Contains("by password", await (await browser.GetAsync("/account")).Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_change_leaves_its_row_with_who_when_from_where_and_what(bool onPostgres)
    {
        using TempFolder folder = new();
        string store = await StoreAsync(onPostgres, folder);
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Store = store);
        Browsing browser = new(server);
        await browser.LogInAsync("mara");
        await browser.SendFormAsync("/users", "/users", ("name", "ines"), ("role", "operator"), ("password", ServerHost.Password));
        await browser.SendFormAsync("/users/edit?name=ines", "/users/change", ("purge", "given"), ("email", "ines@example.org"));
        await browser.SendFormAsync("/users/edit?name=ines", "/users/password", ("password", "another password"));
        await browser.SendFormAsync("/users/edit?name=ines", "/users/logout");
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.SendFormAsync("/users/edit?name=ines", "/users/remove", ("confirm", "mara"))).StatusCode);
        await browser.SendFormAsync("/users/edit?name=ines", "/users/remove", ("confirm", "ines"));
        await browser.SendFormAsync("/tokens", "/tokens", ("name", "nagios"), ("scope", "read"), ("days", "30"));
        await browser.SendFormAsync("/tokens", "/tokens/revoke", ("name", "nagios"));
        await browser.SendFormAsync("/account", "/account/password", ("old", ServerHost.Password), ("new", "battery staple"), ("again", "battery staple"));
        await browser.PostAsync("/logout");
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        IReadOnlyList<AuditEntry> rows = await server.Access.AuditAsync(new AuditQuery(Who: "MARA"), 100, Cancel);
        Assert.Equal(
            ["login mara", "logout mara", "token.add nagios", "token.revoke nagios", "user.add ines", "user.change ines", "user.logout ines", "user.password ines", "user.password mara", "user.remove ines"],
            rows.Select(row => $"{row.What} {row.About}").Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal(("session", "127.0.0.1"), (row.Actor.Via, row.Actor.Address)));
        Assert.Equal("operator → operator, may purge, ines@example.org", rows.Single(row => row.What == "user.change").Detail);
        Assert.Equal(rows.Count, rows.Select(row => row.At).Distinct().Count());
        // By pages: an instant is where the next one goes on.
        IReadOnlyList<AuditEntry> page = await server.Access.AuditAsync(new AuditQuery(What: "user"), 3, Cancel);
        IReadOnlyList<AuditEntry> next = await server.Access.AuditAsync(new AuditQuery(What: "user", Before: page[^1].At), 3, Cancel);
        Assert.True(next[0].At < page[^1].At);
        Assert.Equal(["user.remove", "user.change"], (await server.Access.AuditAsync(new AuditQuery(Text: "MAY PURGE"), 9, Cancel)).Select(row => row.What));
        Assert.Empty(await server.Access.AuditAsync(new AuditQuery(Text: "%"), 9, Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refusals_become_one_row_and_old_rows_go(bool onPostgres)
    {
        using TempFolder folder = new();
        string store = await StoreAsync(onPostgres, folder);
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings => settings.Store = store);
        Browsing browser = new(server);
        for (int i = 0; i < 4; i++)
        {
            await browser.LogInAsync("mara", "wrong");
            await browser.LogInAsync("a password in the wrong field", "wrong");
        }
        await server.GetAsync("/api/v1/runs", ("Authorization", "Bearer wrong"));
        await server.Get<AuditTrail>().WriteAsync(all: true, Cancel);
        IReadOnlyList<AuditEntry> refused = await server.Access.AuditAsync(new AuditQuery(What: "login.refused"), 100, Cancel);
        Assert.Equal(["", "mara"], refused.Select(row => row.About).Order(StringComparer.Ordinal));
        Assert.All(refused, row => Assert.Equal(("4 times within a minute", "127.0.0.1"), (row.Detail, row.Actor.Address)));
        Assert.Equal("once", Assert.Single(await server.Access.AuditAsync(new AuditQuery(What: "token.refused"), 9, Cancel)).Detail);
        Assert.DoesNotContain(await server.Access.AuditAsync(new AuditQuery(), 100, Cancel), row => row.ToString().Contains("password in the wrong", StringComparison.Ordinal));
        int all = (await server.Access.AuditAsync(new AuditQuery(), 1000, Cancel)).Count;
        Assert.Equal(0, await server.Access.ForgetAuditAsync(refused[^1].At - TimeSpan.FromDays(1), Cancel));
        Assert.Equal(all, await server.Access.ForgetAuditAsync(Instant.Now(TimeProvider.System) + TimeSpan.FromDays(1), Cancel));
        Assert.Empty(await server.Access.AuditAsync(new AuditQuery(), 1, Cancel));
    }

    [Fact]
    public async Task Programs_of_administrators_read_users_tokens_and_the_audit_by_pages()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("boss", "token of the boss", Scope.Admin);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "token of the boss");
        JsonElement mara = (await server.JsonAsync("/api/v1/users")).GetProperty("items")[0];
        Assert.Equal(("mara", "admin", 6), (mara.GetProperty("name").GetString(), mara.GetProperty("role").GetString(), mara.GetProperty("rights").GetArrayLength()));
        Assert.Equal(["admin", "read"], (await server.JsonAsync("/api/v1/tokens")).GetProperty("items").EnumerateArray().Select(token => token.GetProperty("scopes")[0].GetString()));
        JsonElement page = await server.JsonAsync("/api/v1/audit?limit=2");
        Assert.Equal(["token.add", "token.add"], page.GetProperty("items").EnumerateArray().Select(row => row.GetProperty("what").GetString()));
        JsonElement next = await server.JsonAsync($"/api/v1/audit?limit=2&cursor={page.GetProperty("next").GetString()}");
        Assert.Equal("user.add", Assert.Single(next.GetProperty("items").EnumerateArray()).GetProperty("what").GetString());
        Assert.Equal(JsonValueKind.Null, next.GetProperty("next").ValueKind);
        foreach (string wrong in new[] { "whom=x", "since=soon", "limit=0", "cursor=x" })
        {
            Assert.Equal(wrong.Split('=')[0], (await server.JsonAsync($"/api/v1/audit?{wrong}", HttpStatusCode.BadRequest)).GetProperty("field").GetString());
        }
        string all = (await server.JsonAsync("/api/v1/users")).ToString() + await server.JsonAsync("/api/v1/tokens");
        Assert.DoesNotContain("hash", all);
    }

    [Fact]
    public async Task The_last_administrator_stays_one_however_it_is_tried_by_the_pages()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        Browsing browser = new(server);
        await browser.LogInAsync("mara");
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.SendFormAsync("/users/edit?name=mara", "/users/change", ("role", "viewer"))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.SendFormAsync("/users/edit?name=mara", "/users/change", ("disabled", "yes"))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.SendFormAsync("/users/edit?name=mara", "/users/remove", ("confirm", "mara"))).StatusCode);
        await server.AddUserAsync("ines", Role.Admin);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.SendFormAsync("/users/edit?name=mara", "/users/change", ("role", "viewer"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.GetAsync("/users")).StatusCode);
    }

    [Fact]
    public async Task Another_password_ends_the_other_sessions_and_not_this_one_and_wants_the_present_one()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        Browsing here = new(server), there = new(server);
        await here.LogInAsync("mara");
        await there.LogInAsync("mara");
        Assert.Equal(HttpStatusCode.BadRequest, (await here.SendFormAsync("/account", "/account/password", ("old", "wrong"), ("new", "battery staple"), ("again", "battery staple"))).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await here.SendFormAsync("/account", "/account/password", ("old", ServerHost.Password), ("new", "battery staple"), ("again", "battery staple"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("/log")).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await there.GetAsync("/log")).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await here.SendFormAsync("/account", "/account/logout")).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await here.GetAsync("/log")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await here.LogInAsync("mara")).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await here.LogInAsync("mara", "battery staple")).StatusCode);
    }

    [Fact]
    public async Task Wrong_tokens_are_slowed_down_and_the_right_one_is_not()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        HttpStatusCode[] answers = new HttpStatusCode[80];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = (await server.GetAsync("/api/v1/runs", ("Authorization", $"Bearer wrong {i}"))).StatusCode;
        }
        Assert.Equal(HttpStatusCode.Unauthorized, answers[0]);
        Assert.Equal(HttpStatusCode.TooManyRequests, answers[^1]);
        Assert.Equal(HttpStatusCode.OK, (await server.WithToken().GetAsync("/api/v1/runs")).StatusCode);
    }

    async Task<string> StoreAsync(bool onPostgres, TempFolder folder) => onPostgres ? await postgres.NewDatabaseAsync() : "sqlite://" + folder.File("access.db");
}
