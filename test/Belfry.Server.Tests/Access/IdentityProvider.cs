using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Tests.Access;

/// <summary>
/// A small provider of OpenID Connect and plain OAuth 2, real in what matters here: it signs with a key of its own, takes a code once and
/// only with its verifier, and knows its clients. Whoever asks is let in as <see cref="User"/>. What it signs can be bent.
/// </summary>
sealed class IdentityProvider : IAsyncDisposable
{
    public const string Client = "belfry", Secret = "client secret of belfry";

    readonly WebApplication _app;
    readonly RSA _key = RSA.Create(2048);
    readonly ConcurrentDictionary<string, (string Challenge, string Nonce, string Redirect)> _codes = [];

    IdentityProvider(WebApplication app) => _app = app;

    /// <summary>Its address, and who it says it is.</summary>
    public string Address => _app.Urls.First();

    /// <summary>What it says of whoever comes.</summary>
    public JsonObject User { get; } = new() { ["sub"] = "4711", ["preferred_username"] = "ines", ["email"] = "ines@example.org", ["groups"] = new JsonArray("staff", "ops") };

    /// <summary>Changes the head and the claims of a token before it is signed.</summary>
    public Action<JsonObject, JsonObject> Bend { get; set; } = (_, _) => { };

    /// <summary>Changes the token after it was signed.</summary>
    public Func<string, string> Forge { get; set; } = token => token;

    /// <summary>What the user info endpoint says, when not <see cref="User"/>.</summary>
    public JsonObject? Elsewhere { get; set; }

    /// <summary>Signs with a curve instead: ES256.</summary>
    public ECDsa? Curve { get; set; }

    /// <summary>What the last request for authorization asked.</summary>
    public IQueryCollection Asked { get; private set; } = new QueryCollection();

    /// <summary>Codes that were taken in exchange for tokens.</summary>
    public int Redeemed { get; private set; }

    public static async Task<IdentityProvider> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        var provider = new IdentityProvider(app);
        provider.Map();
        await app.StartAsync(ServerHost.Cancel);
        return provider;
    }

    /// <summary>Settings of a server that trusts it.</summary>
    public void SetUp(OAuthSettings settings)
    {
        (settings.Name, settings.Issuer, settings.ClientId, settings.ClientSecret) = ("the house", Address, Client, Secret);
        settings.Roles = new() { ["operator"] = ["ops"], ["admin"] = ["bosses"] };
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _key.Dispose();
        Curve?.Dispose();
    }

    void Map()
    {
        _app.MapGet("/.well-known/openid-configuration", () => Results.Json(new JsonObject
        {
            ["issuer"] = Address, ["authorization_endpoint"] = $"{Address}/authorize", ["token_endpoint"] = $"{Address}/token", ["jwks_uri"] = $"{Address}/keys", ["userinfo_endpoint"] = $"{Address}/me",
        }));
        _app.MapGet("/authorize", (HttpRequest request) => Authorize(request));
        _app.MapPost("/token", (HttpRequest request) => TokenAsync(request));
        _app.MapGet("/keys", Keys);
        _app.MapGet("/me", (HttpContext context) => context.Request.Headers.Authorization == "Bearer access" ? Results.Json(Elsewhere ?? User) : Results.Json(new { error = "invalid_token" }, statusCode: 401));
    }

    IResult Authorize(HttpRequest request)
    {
        Asked = request.Query;
        string code = Secrets.New();
        _codes[code] = (Asked["code_challenge"].ToString(), Asked["nonce"].ToString(), Asked["redirect_uri"].ToString());
        return Asked["client_id"] == Client && Asked["response_type"] == "code" && Asked["code_challenge_method"] == "S256"
            ? Results.Redirect($"{Asked["redirect_uri"]}?code={code}&state={Asked["state"]}")
            : Results.BadRequest();
    }

    async Task<IResult> TokenAsync(HttpRequest request)
    {
        IFormCollection form = await request.ReadFormAsync();
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        // A code is taken away whatever comes of it.
        bool known = _codes.TryRemove(form["code"].ToString(), out (string Challenge, string Nonce, string Redirect) code);
        if (!known || code.Challenge != challenge || code.Redirect != form["redirect_uri"] || form["client_id"] != Client || form["client_secret"] != Secret || form["grant_type"] != "authorization_code")
        {
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);
        }
        Redeemed++;
        return Results.Json(new { access_token = "access", token_type = "Bearer", id_token = Forge(Sign(code.Nonce)) });
    }

    string Sign(string nonce)
    {
        JsonObject head = new() { ["alg"] = Curve is null ? "RS256" : "ES256", ["kid"] = "key 1", ["typ"] = "JWT" };
        JsonObject claims = new()
        {
            ["iss"] = Address, ["aud"] = Client, ["nonce"] = nonce, ["exp"] = TimeProvider.System.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds(), ["iat"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(),
        };
        foreach ((string name, JsonNode? value) in User)
        {
            claims[name] = value?.DeepClone();
        }
        Bend(head, claims);
        string signed = $"{Encoded(head)}.{Encoded(claims)}";
        byte[] bytes = Encoding.ASCII.GetBytes(signed);
        byte[] signature = Curve is null ? _key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : Curve.SignData(bytes, HashAlgorithmName.SHA256);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    IResult Keys()
    {
        if (Curve is not null)
        {
            ECPoint point = Curve.ExportParameters(false).Q;
            return Results.Json(new { keys = new[] { new { kty = "EC", crv = "P-256", use = "sig", kid = "key 1", x = Base64Url.EncodeToString(point.X), y = Base64Url.EncodeToString(point.Y) } } });
        }
        RSAParameters key = _key.ExportParameters(false);
        return Results.Json(new { keys = new[] { new { kty = "RSA", use = "sig", kid = "key 1", n = Base64Url.EncodeToString(key.Modulus), e = Base64Url.EncodeToString(key.Exponent) } } });
    }

    /// <summary>A part of a token.</summary>
    public static string Encoded(JsonNode part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
}
