using System.Net.Http.Headers;
using System.Text.Json;

namespace Belfry.Server.Access;

/// <summary>Talks to the provider of the single sign-on: where it is, what a code is worth, who somebody is.</summary>
sealed class SignOnProvider(AccessSettings settings, TimeProvider clock) : IDisposable
{
    const string PlaceOfDiscovery = "/.well-known/openid-configuration";
    static readonly TimeSpan PlacesKept = TimeSpan.FromHours(1), KeysKept = TimeSpan.FromMinutes(1);

    readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = 1 << 20,
        DefaultRequestHeaders = { Accept = { new("application/json") }, UserAgent = { new ProductInfoHeaderValue("Belfry", null) } },
    };
    readonly SemaphoreSlim _turn = new(1);
    (SignOnPlaces Places, long At)? _places;
    (IReadOnlyList<JsonElement> Keys, long At)? _keys;

    OAuthSettings Settings => settings.OAuth;

    /// <summary>It speaks OpenID Connect: it tells who somebody is in a token that it signs.</summary>
    public bool IsOpenId => Settings.Issuer.Length > 0;

    /// <summary>Where everything is.</summary>
    /// <exception cref="SignOnException">It does not tell.</exception>
    public async Task<SignOnPlaces> PlacesAsync(CancellationToken cancel)
    {
        if (!IsOpenId)
        {
            return new SignOnPlaces(Settings.AuthorizationEndpoint, Settings.TokenEndpoint, Settings.UserInfoEndpoint, "");
        }
        await _turn.WaitAsync(cancel);
        try
        {
            if (_places is not { } known || clock.GetElapsedTime(known.At) > PlacesKept)
            {
                _places = known = (await DiscoverAsync(cancel), clock.GetTimestamp());
            }
            return known.Places;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Who came with that code: what the provider says of them.</summary>
    /// <exception cref="SignOnException">It says nothing, or nothing that could be believed.</exception>
    public async Task<SignOnClaims> RedeemAsync(string code, string verifier, string nonce, string redirect, CancellationToken cancel)
    {
        SignOnPlaces places = await PlacesAsync(cancel);
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirect, ["code_verifier"] = verifier, ["client_id"] = Settings.ClientId, ["client_secret"] = Settings.ClientSecret,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, places.Token) { Content = new FormUrlEncodedContent(form) };
        var answer = new SignOnClaims(await AskAsync(request, "the token endpoint", cancel));
        string access = answer.Text("access_token") ?? throw new SignOnException($"the token endpoint gave no token: {answer.Text("error") ?? "no reason"}");
        if (!IsOpenId)
        {
            return await UserAsync(places, access, cancel);
        }
        string token = answer.Text("id_token") ?? throw new SignOnException("the token endpoint gave no ID token; is 'openid' among the scopes?");
        IReadOnlyList<JsonElement> keys = await KeysAsync(places, IdTokens.KeyOf(token), cancel);
        var claims = new SignOnClaims(IdTokens.Check(token, keys, Settings.Issuer, Settings.ClientId, nonce, clock.GetUtcNow()));
        return places.UserInfo.Length == 0 || (claims.Has(Settings.NameClaim) && claims.Has(Settings.GroupsClaim)) ? claims : claims.With(await UserAsync(places, access, cancel));
    }

    public void Dispose()
    {
        _http.Dispose();
        _turn.Dispose();
    }

    async Task<SignOnPlaces> DiscoverAsync(CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Settings.Issuer.TrimEnd('/') + PlaceOfDiscovery);
        var told = new SignOnClaims(await AskAsync(request, "the issuer", cancel));
        if (told.Text("issuer") != Settings.Issuer)
        {
            throw new SignOnException($"the issuer calls itself '{told.Text("issuer")}', and Access:OAuth:Issuer is '{Settings.Issuer}'");
        }
        return new SignOnPlaces(
            Place(Settings.AuthorizationEndpoint, told, "authorization_endpoint"), Place(Settings.TokenEndpoint, told, "token_endpoint"),
            Settings.UserInfoEndpoint.Length > 0 || told.Has("userinfo_endpoint") ? Place(Settings.UserInfoEndpoint, told, "userinfo_endpoint") : "", Place("", told, "jwks_uri"));
    }

    static string Place(string set, SignOnClaims told, string name)
    {
        string place = set.Length > 0 ? set : told.Text(name) ?? "";
        return OAuthSettings.IsSafe(place) ? place : throw new SignOnException($"the issuer's {name} is no https:// address");
    }

    async Task<IReadOnlyList<JsonElement>> KeysAsync(SignOnPlaces places, string? wanted, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            // A key that is not known may be a new one; but whoever makes up names of keys does not make us ask without end.
            bool lacks = _keys is not { } known || (clock.GetElapsedTime(known.At) > KeysKept && !known.Keys.Any(key => new SignOnClaims(key).Text("kid") == wanted));
            if (lacks)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, places.Keys);
                JsonElement told = await AskAsync(request, "the issuer's keys", cancel);
                _keys = (told.TryGetProperty("keys", out JsonElement keys) && keys.ValueKind == JsonValueKind.Array ? [.. keys.EnumerateArray().Where(key => key.ValueKind == JsonValueKind.Object)] : [], clock.GetTimestamp());
            }
            return _keys!.Value.Keys;
        }
        finally
        {
            _turn.Release();
        }
    }

    async Task<SignOnClaims> UserAsync(SignOnPlaces places, string access, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, places.UserInfo) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", access) } };
        return new SignOnClaims(await AskAsync(request, "the user info endpoint", cancel));
    }

    async Task<JsonElement> AskAsync(HttpRequestMessage request, string whom, CancellationToken cancel)
    {
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, cancel);
            using JsonDocument json = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), cancellationToken: cancel);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !answer.IsSuccessStatusCode)
            {
                string? error = json.RootElement.ValueKind == JsonValueKind.Object ? new SignOnClaims(json.RootElement).Text("error") : null;
                throw new SignOnException($"{whom} answered {(int)answer.StatusCode}{(error is null ? "" : ": " + error)}");
            }
            return json.RootElement.Clone();
        }
        catch (Exception failed) when (failed is HttpRequestException or JsonException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new SignOnException($"{whom} gave no answer that could be read: {failed.Message}", failed);
        }
    }
}

/// <summary>Where a provider does what.</summary>
sealed record SignOnPlaces(string Authorization, string Token, string UserInfo, string Keys);

/// <summary>What a provider says, by names; dots lead into objects.</summary>
sealed record SignOnClaims(JsonElement Json)
{
    /// <summary>Something is said.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A text, or a number as text.</summary>
    public string? Text(string name) => Find(name) is { ValueKind: JsonValueKind.String or JsonValueKind.Number } value ? value.ToString() : null;

    /// <summary>Texts; a single one may be a list with blanks or commas.</summary>
    public IReadOnlyCollection<string> List(string name) => Find(name) switch
    {
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)],
        { ValueKind: JsonValueKind.String } text => text.GetString()!.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries),
        _ => [],
    };

    /// <summary>With what another place says besides; what stands here wins, and both must be about the same person.</summary>
    /// <exception cref="SignOnException">They are not.</exception>
    public SignOnClaims With(SignOnClaims more)
    {
        if (more.Text("sub") != Text("sub"))
        {
            throw new SignOnException("the user info endpoint tells of somebody else");
        }
        Dictionary<string, JsonElement> all = more.Json.EnumerateObject().ToDictionary(one => one.Name, one => one.Value);
        foreach (JsonProperty one in Json.EnumerateObject())
        {
            all[one.Name] = one.Value;
        }
        return new SignOnClaims(JsonSerializer.SerializeToElement(all));
    }

    JsonElement? Find(string name)
    {
        if (Json.TryGetProperty(name, out JsonElement whole)) // a name may itself have dots: https://example.org/groups
        {
            return whole.ValueKind == JsonValueKind.Null ? null : whole;
        }
        JsonElement at = Json;
        foreach (string part in name.Split('.'))
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out at))
            {
                return null;
            }
        }
        return at.ValueKind == JsonValueKind.Null ? null : at;
    }
}
