using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Belfry.Server.Access;

namespace Belfry.Server.Tests.Access;

/// <summary>Single sign-on against a real provider, and attacked.</summary>
[Trait("row", "83")]
public sealed class SignOnTests
{
    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(false, "/belfry")]
    public async Task Who_comes_back_from_the_provider_is_in_with_the_role_of_their_group(bool curve, string path)
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        provider.Curve = curve ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : null;
        await using ServerHost server = await StartAsync(provider, path: path);
        Browsing browser = new(server);
        using HttpResponseMessage entered = await SignOnAsync(browser, path + "/log?state=failed", path);
        Assert.Equal((HttpStatusCode.SeeOther, path + "/log?state=failed"), (entered.StatusCode, entered.Headers.Location?.OriginalString));
        Account ines = (await server.Access.ListAsync(ServerHost.Cancel)).User("ines")!;
        Assert.Equal((Role.Operator, "ines@example.org", AccountOrigin.SignOn, null), (ines.Role, ines.Email, ines.Origin, ines.Hash));
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(path + "/log")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.GetAsync(path + "/users")).StatusCode);
        Assert.Equal(("openid profile email", "S256"), (provider.Asked["scope"].ToString(), provider.Asked["code_challenge_method"].ToString()));
        Assert.NotEqual("", provider.Asked["nonce"].ToString());
    }

    [Fact]
    public async Task Plain_oauth_asks_the_user_info_endpoint()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        provider.Elsewhere = new() { ["id"] = 583_231, ["login"] = "octocat" };
        await using ServerHost server = await StartAsync(provider, oauth =>
        {
            (oauth.Issuer, oauth.AuthorizationEndpoint, oauth.TokenEndpoint, oauth.UserInfoEndpoint) = ("", provider.Address + "/authorize", provider.Address + "/token", provider.Address + "/me");
            (oauth.NameClaim, oauth.Role) = ("login", Role.Viewer);
        });
        using HttpResponseMessage entered = await SignOnAsync(new Browsing(server));
        Assert.Equal(HttpStatusCode.SeeOther, entered.StatusCode);
        Assert.Equal(Role.Viewer, (await server.Access.ListAsync(ServerHost.Cancel)).User("octocat")!.Role);
    }

    /// <summary>What a token must not be. The name of the attack is its own description.</summary>
    public static TheoryData<string> Bent => ["alg none", "signed by a secret", "signed by another", "changed after signing", "another issuer", "another client", "two clients", "over", "another nonce", "no nonce", "nobody", "not yet", "critical", "no token at all"];

    [Theory]
    [MemberData(nameof(Bent))]
    public async Task A_token_that_is_not_as_it_must_be_lets_nobody_in(string attack)
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        using RSA other = RSA.Create(2048);
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        provider.Bend = (head, claims) =>
        {
            switch (attack)
            {
                case "alg none": head["alg"] = "none"; break;
                case "signed by a secret": head["alg"] = "HS256"; break;
                case "another issuer": claims["iss"] = "https://evil.example"; break;
                case "another client": claims["aud"] = "another"; break;
                case "two clients": claims["aud"] = new JsonArray("another", IdentityProvider.Client); break;
                case "over": claims["exp"] = now - 120; break;
                case "another nonce": claims["nonce"] = Secrets.New(); break;
                case "no nonce": claims.Remove("nonce"); break;
                case "nobody": claims.Remove("sub"); break;
                case "not yet": claims["nbf"] = now + 600; break;
                case "critical": head["crit"] = new JsonArray("b64"); break;
                default: break;
            }
        };
        provider.Forge = token => attack switch
        {
            "alg none" => token[..(token.LastIndexOf('.') + 1)],
            "signed by a secret" => Resigned(token, bytes => HMACSHA256.HashData(Encoding.UTF8.GetBytes(IdentityProvider.Secret), bytes)),
            "signed by another" => Resigned(token, bytes => other.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
            "changed after signing" => string.Join('.', token.Split('.')[0], IdentityProvider.Encoded(new JsonObject { ["iss"] = provider.Address, ["aud"] = IdentityProvider.Client, ["sub"] = "1", ["exp"] = now + 300 }), token.Split('.')[2]),
            "no token at all" => "nonsense",
            _ => token,
        };
        await using ServerHost server = await StartAsync(provider);
        await RefusedAsync(server, new Browsing(server));
        Assert.Equal(1, provider.Redeemed);
    }

    [Fact]
    public async Task Another_state_or_none_is_refused_before_the_code_is_used()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        foreach (Func<string, string> bend in new Func<string, string>[] { back => back.Split("&state=")[0], back => back.Split("&state=")[0] + "&state=" + Secrets.New(), back => back + "x" })
        {
            Browsing browser = new(server);
            string back = await ApprovedAsync(await BeginAsync(browser));
            using HttpResponseMessage refused = await browser.GetAsync(bend(back));
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
        Assert.Equal(0, provider.Redeemed);
    }

    [Fact]
    public async Task What_another_browser_began_lets_this_one_in_nowhere()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        Browsing attacker = new(server), victim = new(server);
        string back = await ApprovedAsync(await BeginAsync(attacker));
        await BeginAsync(victim);
        // The victim's browser is led to the attacker's answer: it would be logged in as the attacker.
        using HttpResponseMessage refused = await victim.GetAsync(back);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using HttpResponseMessage without = await new Browsing(server).GetAsync(back);
        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Equal(0, provider.Redeemed);
    }

    [Fact]
    public async Task A_code_is_good_once_and_only_with_its_verifier()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        Browsing browser = new(server);
        string first = await BeginAsync(browser);
        Dictionary<string, string> cookies = new(browser.Cookies);
        string back = await ApprovedAsync(first);
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.GetAsync(back)).StatusCode);
        // Once more, with the cookie of the first time: the browser has let it go, an attacker may have kept it.
        using HttpResponseMessage again = await server.GetAsync(back, ("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Key}={cookie.Value}"))));
        Assert.Equal(HttpStatusCode.Forbidden, again.StatusCode);
        Assert.Equal(1, provider.Redeemed);
        // The code of another's sign-on, brought in by one's own state: its verifier is not ours.
        Browsing attacker = new(server);
        string own = await BeginAsync(attacker);
        string stolen = (await ApprovedAsync(await BeginAsync(new Browsing(server)))).Split("code=")[1].Split('&')[0];
        string state = own.Split("state=")[1].Split('&')[0];
        Assert.Equal(HttpStatusCode.Forbidden, (await attacker.GetAsync($"{SignOnEndpoints.BackPath}?code={stolen}&state={state}")).StatusCode);
        Assert.Equal(1, provider.Redeemed);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("/login/sign-on")]
    public async Task It_leads_to_no_other_site_and_not_round_in_circles(string back)
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        using HttpResponseMessage entered = await SignOnAsync(new Browsing(server), back);
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task The_answer_of_another_issuer_and_the_info_of_another_user_are_refused()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        Browsing browser = new(server);
        string back = await ApprovedAsync(await BeginAsync(browser));
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.GetAsync(back + "&iss=https%3A%2F%2Fevil.example")).StatusCode);
        provider.Bend = (_, claims) => claims.Remove("groups");
        provider.Elsewhere = new() { ["sub"] = "4712", ["groups"] = new JsonArray("bosses") };
        await RefusedAsync(server, browser);
        provider.Elsewhere["sub"] = "4711";
        Assert.Equal(HttpStatusCode.SeeOther, (await SignOnAsync(browser)).StatusCode);
        Assert.Equal(Role.Admin, (await server.Access.ListAsync(ServerHost.Cancel)).User("ines")!.Role);
    }

    [Fact]
    public async Task A_name_that_somebody_else_has_here_is_not_taken_over_and_groups_count_each_time()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider);
        provider.User["preferred_username"] = "mara";
        await RefusedAsync(server, new Browsing(server));
        provider.User["preferred_username"] = "ines";
        Assert.Equal(HttpStatusCode.SeeOther, (await SignOnAsync(new Browsing(server))).StatusCode);
        // Another person who is given that name there later is not Ines.
        (provider.User["sub"], provider.User["groups"]) = ("9", new JsonArray("bosses"));
        await RefusedAsync(server, new Browsing(server));
        (provider.User["sub"], provider.User["groups"]) = ("4711", new JsonArray("staff"));
        await RefusedAsync(server, new Browsing(server));
        provider.User["groups"] = new JsonArray("bosses");
        Assert.Equal(HttpStatusCode.SeeOther, (await SignOnAsync(new Browsing(server))).StatusCode);
        Assert.Equal(Role.Admin, (await server.Access.ListAsync(ServerHost.Cancel)).User("ines")!.Role);
        await server.Access.ChangeAsync("ines", user => user with { Disabled = true }, Actor.Command, keepAdmin: true, ServerHost.Cancel);
        await RefusedAsync(server, new Browsing(server));
        // By password there is no way in: the account has none.
        Assert.Equal(HttpStatusCode.Unauthorized, (await new Browsing(server).LogInAsync("ines", "")).StatusCode);
    }

    [Fact]
    public async Task Who_was_invited_has_the_role_that_was_given_here()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider, oauth => oauth.Roles = []);
        await RefusedAsync(server, new Browsing(server));
        await server.AddUserAsync("ines", Role.Admin, user => user with { Hash = null, Origin = AccountOrigin.Invited });
        Assert.Equal(HttpStatusCode.SeeOther, (await SignOnAsync(new Browsing(server))).StatusCode);
        Account ines = (await server.Access.ListAsync(ServerHost.Cancel)).User("ines")!;
        Assert.Equal((Role.Admin, $"{provider.Address} 4711"), (ines.Role, ines.Subject));
        provider.User["sub"] = "9";
        await RefusedAsync(server, new Browsing(server));
    }

    [Fact]
    public async Task An_address_that_nobody_verified_is_no_name()
    {
        await using IdentityProvider provider = await IdentityProvider.StartAsync();
        await using ServerHost server = await StartAsync(provider, oauth => oauth.NameClaim = "email");
        await server.AddUserAsync("ines@example.org", Role.Admin, user => user with { Hash = null, Origin = AccountOrigin.Invited });
        provider.User["email_verified"] = false;
        await RefusedAsync(server, new Browsing(server));
        provider.User["email_verified"] = true;
        Assert.Equal(HttpStatusCode.SeeOther, (await SignOnAsync(new Browsing(server))).StatusCode);
    }

    [Fact]
    public async Task A_provider_that_is_away_is_told_and_nothing_of_it_is_shown()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, change: settings =>
            (settings.Access.OAuth.Issuer, settings.Access.OAuth.ClientId, settings.Access.OAuth.ClientSecret) = ("http://127.0.0.1:1", "belfry", "secret of the client"));
        using HttpResponseMessage refused = await server.GetAsync("/login/sign-on");
        string page = await refused.Content.ReadAsStringAsync(ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("does not answer", page);
        Assert.DoesNotContain("secret of the client", page);
    }

    static Task<ServerHost> StartAsync(IdentityProvider provider, Action<OAuthSettings>? change = null, string path = "") => ServerHost.StartAsync(guarded: true, path: path, change: settings =>
    {
        provider.SetUp(settings.Access.OAuth);
        change?.Invoke(settings.Access.OAuth);
    });

    /// <summary>Where the provider is asked.</summary>
    static async Task<string> BeginAsync(Browsing browser, string back = "/", string path = "")
    {
        using HttpResponseMessage begun = await browser.GetAsync($"{path}{SignOnEndpoints.Path}?return={Uri.EscapeDataString(back)}");
        Assert.Equal(HttpStatusCode.Redirect, begun.StatusCode);
        return begun.Headers.Location!.OriginalString;
    }

    /// <summary>Where the provider sends the browser back to.</summary>
    static async Task<string> ApprovedAsync(string authorize)
    {
        using HttpClient http = new(new HttpClientHandler { AllowAutoRedirect = false });
        using HttpResponseMessage approved = await http.GetAsync(authorize, ServerHost.Cancel);
        return new Uri(approved.Headers.Location!.OriginalString).PathAndQuery;
    }

    static async Task<HttpResponseMessage> SignOnAsync(Browsing browser, string back = "/", string path = "") => await browser.GetAsync(await ApprovedAsync(await BeginAsync(browser, back, path)));

    static async Task RefusedAsync(ServerHost server, Browsing browser)
    {
        using HttpResponseMessage refused = await SignOnAsync(browser);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.DoesNotContain(browser.Cookies.Keys, name => name.Contains(Sessions.Cookie, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/log")).StatusCode);
        Assert.NotNull(server);
    }

    static string Resigned(string token, Func<byte[], byte[]> sign)
    {
        string signed = token[..token.LastIndexOf('.')];
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}
