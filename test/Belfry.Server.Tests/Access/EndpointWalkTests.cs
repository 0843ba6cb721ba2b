using System.Net;
using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Belfry.Server.Tests.Access;

/// <summary>Every endpoint of the routing table, called by everybody who might: the answers are those of the table of rights.</summary>
public sealed class EndpointWalkTests
{
    /// <summary>The table of rights. It stands here once more on purpose: a change of the code alone must fail.</summary>
    static readonly Dictionary<Right, (string[] Roles, Scope[] Scopes)> Table = new()
    {
        [Right.View] = (["viewer", "operator", "operator with grants", "admin", "admin without grants"], [Scope.Read, Scope.Admin]),
        [Right.Report] = ([], [Scope.Write, Scope.Admin]),
        [Right.Run] = (["operator", "operator with grants", "admin", "admin without grants"], [Scope.Run, Scope.Admin]),
        [Right.Manage] = (["operator", "operator with grants", "admin", "admin without grants"], [Scope.Manage, Scope.Admin]),
        [Right.Purge] = (["operator with grants", "admin"], [Scope.Manage, Scope.Admin]),
        [Right.Delete] = (["operator with grants", "admin"], [Scope.Manage, Scope.Admin]),
        [Right.Administer] = (["admin", "admin without grants"], [Scope.Admin]),
    };

    /// <summary>What is open to all, and no more.</summary>
    static readonly string[] Open = ["GET /assets/{version}/{file}", "GET /health/live", "GET /health/ready", "GET /login", "GET /login/sign-on", "GET /login/sign-on/back", "GET /setup", "HEAD /health/live", "HEAD /health/ready", "POST /login", "POST /setup"];

    static readonly Dictionary<string, Func<Account, Account>> Roles = new()
    {
        ["viewer"] = user => user with { Role = Role.Viewer },
        ["operator"] = user => user with { Role = Role.Operator },
        ["operator with grants"] = user => user with { Role = Role.Operator, Purge = true, Delete = true },
        ["admin"] = user => user with { Role = Role.Admin },
        ["admin without grants"] = user => user with { Role = Role.Admin, Purge = false, Delete = false },
    };

    [Fact]
    [Trait("row", "118")]
    public async Task An_endpoint_that_states_no_right_is_found()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, more: routes => routes.MapGet("/forgotten", () => "seen"));
        Assert.Equal("GET /others/forgotten", Assert.Single(Walk(server), one => one.Needed is null && !one.IsOpen).Name);
        using HttpResponseMessage refused = await server.GetAsync("/others/forgotten");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    [Trait("row", "118")]
    public async Task Every_endpoint_states_its_right_and_only_these_are_open()
    {
        await using ServerHost server = await StartAsync();
        Assert.Empty(Walk(server).Where(one => one.Needed is null && !one.IsOpen).Select(one => one.Name));
        Assert.Equal(Open, Walk(server).Where(one => one.IsOpen).Select(one => one.Name).Order(StringComparer.Ordinal));
        Assert.All(Walk(server).Where(one => one.Method is not ("GET" or "HEAD") && one.For == Caller.Program), one => Assert.NotEqual(Right.View, one.Needed?.Right));
    }

    [Fact]
    [Trait("row", "83")]
    [Trait("row", "118")]
    public async Task Nobody_and_a_wrong_or_ended_token_get_nothing_but_what_is_open()
    {
        await using ServerHost server = await StartAsync();
        await server.Access.AddAsync(new AccessToken { Name = "ended", Hash = TokenHash.Of("ended"), Scopes = [Scope.Admin], Expires = new Instant(1) }, Actor.Command, ServerHost.Cancel);
        server.Get<AccountBook>().Forget();
        foreach (string? token in new[] { null, "wrong", "ended" })
        {
            foreach (Stop one in Walk(server).Where(one => !one.IsOpen))
            {
                HttpStatusCode answer = await AskAsync(server, one, token);
                Assert.True(answer == (one.LeadsToLogin ? HttpStatusCode.Redirect : HttpStatusCode.Unauthorized), $"{one.Name} with token {token ?? "none"}: {answer}");
            }
        }
    }

    [Fact]
    [Trait("row", "83")]
    [Trait("row", "118")]
    public async Task Each_scope_opens_exactly_what_the_table_says()
    {
        await using ServerHost server = await StartAsync();
        foreach (Scope scope in Enum.GetValues<Scope>())
        {
            await server.AddTokenAsync($"for {scope}", $"token {scope}", scope);
            foreach (Stop one in Walk(server).Where(one => !one.IsOpen))
            {
                HttpStatusCode answer = await AskAsync(server, one, $"token {scope}");
                bool may = Table[one.Needed!.Right].Scopes.Contains(scope);
                Assert.True(
                    one.For == Caller.Browser ? answer == (one.LeadsToLogin ? HttpStatusCode.Redirect : HttpStatusCode.Unauthorized) : may ? IsIn(answer) : answer == HttpStatusCode.Forbidden,
                    $"{one.Name} with scope {scope}: {answer}");
            }
        }
    }

    [Fact]
    [Trait("row", "73")]
    [Trait("row", "118")]
    public async Task Each_role_opens_exactly_what_the_table_says_and_no_form_without_its_mark()
    {
        await using ServerHost server = await StartAsync();
        foreach ((string role, Func<Account, Account> change) in Roles)
        {
            await server.AddUserAsync(role, Role.Viewer, change);
            Browsing browser = new(server);
            await browser.LogInAsync(role);
            foreach (Stop one in Walk(server).Where(one => !one.IsOpen))
            {
                using HttpResponseMessage answered = await browser.SendAsync(one.Request());
                bool may = Table[one.Needed!.Right].Roles.Contains(role), changes = one.Method is not ("GET" or "HEAD");
                HttpStatusCode? wanted = changes && one.For == Caller.Program ? HttpStatusCode.Unauthorized // a session is no proof for a change by programs' routes
                    : !may ? HttpStatusCode.Forbidden
                    : changes ? HttpStatusCode.BadRequest
                    : null;
                Assert.True(wanted is null ? IsIn(answered.StatusCode) : answered.StatusCode == wanted, $"{one.Name} as {role}: {answered.StatusCode}, wanted {wanted}");
            }
            // With its mark the form is read. Logging out everywhere would end the walk.
            foreach (Stop one in Walk(server).Where(one => one.For == Caller.Browser && one.Method == "POST" && !one.IsOpen && Table[one.Needed!.Right].Roles.Contains(role) && !one.Pattern.EndsWith("/logout", StringComparison.Ordinal)))
            {
                using HttpResponseMessage answered = await browser.PostAsync(one.Path);
                Assert.True(answered.StatusCode is HttpStatusCode.SeeOther or HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.OK, $"{one.Name} as {role}: {answered.StatusCode}");
                Assert.DoesNotContain("too old", await answered.Content.ReadAsStringAsync(ServerHost.Cancel));
            }
        }
    }

    [Fact]
    [Trait("row", "73")]
    public async Task Forms_that_are_open_to_all_want_their_mark_as_well()
    {
        await using ServerHost server = await StartAsync();
        foreach (Stop one in Walk(server).Where(one => one.IsOpen && one.Method == "POST"))
        {
            Assert.Equal(HttpStatusCode.BadRequest, await AskAsync(server, one, null));
        }
        foreach (Stop one in Walk(server).Where(one => one.IsOpen && one.Pattern is "/login" or "/health/live" or "/health/ready" && one.Method == "GET"))
        {
            Assert.Equal(HttpStatusCode.OK, await AskAsync(server, one, null));
        }
    }

    [Fact]
    [Trait("row", "83")]
    public async Task While_it_is_read_only_every_change_is_answered_403_even_for_an_administrator()
    {
        await using ServerHost server = await StartAsync(settings => settings.Access.ReadOnly = true);
        await server.AddTokenAsync("boss", "token of the boss", Scope.Admin);
        Browsing browser = new(server);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.LogInAsync("mara")).StatusCode);
        foreach (Stop one in Walk(server).Where(one => !one.IsOpen && one.Method is not ("GET" or "HEAD") && !one.ChangesNothing))
        {
            HttpResponseMessage answer = one.For == Caller.Browser ? await browser.PostAsync(one.Path) : await server.Client.SendAsync(one.Request("token of the boss"), HttpCompletionOption.ResponseHeadersRead, ServerHost.Cancel);
            bool reports = one.Needed!.Right == Right.Report;
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden || (reports && IsIn(answer.StatusCode)), $"{one.Name}: {answer.StatusCode}");
            Assert.True(reports || (await answer.Content.ReadAsStringAsync(ServerHost.Cancel)).Contains("read-only", StringComparison.Ordinal));
        }
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.PostAsync("/theme", ("theme", "dark"))).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.PostAsync("/account/logout")).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/log")).StatusCode);
    }

    [Fact]
    public async Task The_demo_is_open_for_looking_and_running_and_nothing_else()
    {
        await using ServerHost server = await StartAsync(guarded: false);
        foreach (Stop one in Walk(server).Where(one => !one.IsOpen))
        {
            using HttpResponseMessage answer = await server.Client.SendAsync(one.Request(), HttpCompletionOption.ResponseHeadersRead, ServerHost.Cancel);
            bool form = one.For == Caller.Browser && one.Method == "POST";
            Assert.True(
                one.Needed!.Right is not (Right.View or Right.Run) ? answer.StatusCode == HttpStatusCode.Forbidden : form ? answer.StatusCode == HttpStatusCode.BadRequest : IsIn(answer.StatusCode),
                $"{one.Name}: {answer.StatusCode}");
        }
    }

    /// <summary>The server, with a page and a route for each right besides: some rights have none of their own yet.</summary>
    static Task<ServerHost> StartAsync(Action<BelfrySettings>? change = null, bool guarded = true) => ServerHost.StartAsync(
        guarded: guarded,
        change: settings =>
        {
            settings.Access.Limits.WrongTokens = 10_000;
            change?.Invoke(settings);
        },
        more: routes =>
        {
            foreach (Right right in Enum.GetValues<Right>())
            {
                routes.MapGet($"/page/{right}", () => "seen").RequireRight(right);
                routes.MapPost($"/form/{right}", () => "done").RequireRight(right);
                // What only looks is a GET.
                if (right != Right.View)
                {
                    routes.MapPost($"/route/{right}", () => "done").RequireScope(right);
                    routes.MapDelete($"/route/{right}", () => "done").RequireScope(right);
                }
            }
        });

    static async Task<HttpStatusCode> AskAsync(ServerHost server, Stop one, string? token)
    {
        using HttpResponseMessage answer = await server.Client.SendAsync(one.Request(token), HttpCompletionOption.ResponseHeadersRead, ServerHost.Cancel);
        return answer.StatusCode;
    }

    /// <summary>They got as far as what stands there, which may know no such run.</summary>
    static bool IsIn(HttpStatusCode answer) => answer is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) && (int)answer < 500;

    static IEnumerable<Stop> Walk(ServerHost server) =>
        from endpoint in server.Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select new Stop(endpoint, method);

    /// <summary>An endpoint and a way to call it.</summary>
    sealed record Stop(RouteEndpoint Endpoint, string Method)
    {
        public string Pattern => Endpoint.RoutePattern.RawText!;

        public string Name => $"{Method} {Pattern}";

        public RequiredRight? Needed => Endpoint.Metadata.GetMetadata<RequiredRight>();

        public bool IsOpen => Endpoint.Metadata.GetMetadata<OpenToAll>() is not null;

        public bool ChangesNothing => Endpoint.Metadata.GetMetadata<ChangesNothing>() is not null;

        public Caller For => Needed?.For ?? Endpoint.Metadata.GetMetadata<OpenToAll>()?.For ?? Caller.Program;

        public bool LeadsToLogin => For == Caller.Browser && Method == "GET";

        /// <summary>A path that fits, whatever its parts.</summary>
        public string Path => string.Concat(Endpoint.RoutePattern.PathSegments.Select(segment => "/" + string.Concat(segment.Parts.Select(part => part is RoutePatternLiteralPart literal ? literal.Content : "x"))));

        public HttpRequestMessage Request(string? token = null)
        {
            var request = new HttpRequestMessage(new HttpMethod(Method), Path.Length == 0 ? "/" : Path);
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            }
            return request;
        }
    }
}
