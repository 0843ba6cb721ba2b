using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Belfry.Cli;

/// <summary>A running server, asked over its API by a verb that has <c>--server</c> and <c>--token</c>.</summary>
/// <remarks>What it refuses becomes the sentence of its answer with the exit code that fits. The token is never shown.</remarks>
sealed class ServerClient : IDisposable
{
    const string TokenVariable = "BELFRY_TOKEN", Usual = "http://127.0.0.1:2355";
    const int MostBytes = 64 * 1024 * 1024; // an answer is held whole
    static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(30), ConnectWithin = TimeSpan.FromSeconds(10);

    readonly HttpClient _http;
    readonly TimeSpan _patience;

    ServerClient(Uri address, string? token, TimeSpan patience)
    {
        _patience = patience;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = ConnectWithin })
        {
            BaseAddress = address, Timeout = patience, MaxResponseContentBufferSize = MostBytes,
        };
        if (token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>The server.</summary>
    public static Option<string?> Server { get; } = new("--server") { Description = $"Ask a running server instead (default with --token: {Usual})", HelpName = "URL" };

    /// <summary>What opens it.</summary>
    public static Option<string?> Token { get; } = new("--token") { Description = $"A token of that server (default: the variable {TokenVariable}, which others on the machine do not see)", HelpName = "T" };

    /// <summary>The address that a line asks; null when it asks none.</summary>
    public static string? Asked(ParseResult line) => line.GetValue(Server) ?? (line.GetValue(Token) is null ? null : Usual);

    /// <summary>The server that a line names; null when it names none.</summary>
    /// <param name="line">The line.</param>
    /// <param name="patience">How long an answer may take: 30 s by default.</param>
    /// <exception cref="UsageException">Its address is none, or the line names a store as well.</exception>
    public static ServerClient? Of(ParseResult line, TimeSpan? patience = null)
    {
        if (Asked(line) is not { } server)
        {
            return null;
        }
        string? token = line.GetValue(Token);
        if (line.GetValue(Common.Store) is not null)
        {
            throw new UsageException("--store reads a log and --server asks who writes it: use one of them");
        }
        token ??= Environment.GetEnvironmentVariable(TokenVariable);
        if (token is not null && !token.All(c => c is > ' ' and < '\x7f'))
        {
            throw new UsageException("the token is none: it has signs that no token has");
        }
        return new ServerClient(Address(server), token is { Length: > 0 } ? token : null, patience ?? UsualPatience);
    }

    /// <summary>Asks for something.</summary>
    /// <param name="path">The route with its query, from <c>api/</c> on, names in it escaped.</param>
    /// <param name="cancel">Stops waiting.</param>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancel) => SendAsync(HttpMethod.Get, path, null, cancel);

    /// <summary>Asks for a change.</summary>
    /// <param name="path">The route with its query, from <c>api/</c> on, names in it escaped.</param>
    /// <param name="body">What is written as JSON; null for nothing.</param>
    /// <param name="cancel">Stops waiting.</param>
    public Task<JsonElement> PostAsync(string path, object? body, CancellationToken cancel) => SendAsync(HttpMethod.Post, path, body, cancel);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body, body.GetType()) };
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, cancel);
            JsonElement? json = answer.StatusCode == HttpStatusCode.NoContent ? default(JsonElement) : await ReadAsync(answer, cancel);
            return answer.IsSuccessStatusCode && json is { } data ? data : throw Refusal(answer.StatusCode, Detail(json));
        }
        catch (HttpRequestException e)
        {
            throw new UnreachableException($"{_http.BaseAddress} cannot be reached: {(e.InnerException ?? e).Message}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnreachableException($"{_http.BaseAddress} did not answer within {_patience.TotalSeconds:0} s");
        }
    }

    /// <summary>Whatever else listens there may answer anything: null when it is no JSON.</summary>
    static async Task<JsonElement?> ReadAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        if (answer.Content.Headers.ContentType?.MediaType is not ("application/json" or "application/problem+json"))
        {
            return null;
        }
        try
        {
            using JsonDocument json = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), cancellationToken: cancel);
            return json.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string? Detail(JsonElement? json) =>
        json is { ValueKind: JsonValueKind.Object } problem && problem.TryGetProperty("detail", out JsonElement detail) && detail.ValueKind == JsonValueKind.String ? detail.GetString() : null;

    Exception Refusal(HttpStatusCode status, string? detail) => (status, detail) switch
    {
        (HttpStatusCode.Unauthorized, not null) when _http.DefaultRequestHeaders.Authorization is null =>
            new UsageException($"{_http.BaseAddress} wants a token: --token T, or the variable {TokenVariable}; 'belfry token add NAME' makes one"),
        (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge, not null) => new UsageException(detail),
        (HttpStatusCode.Ambiguous or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.Gone or HttpStatusCode.UnprocessableContent, not null) => new DeclinedException(detail),
        (_, not null) => new UnreachableException($"{_http.BaseAddress} answered {(int)status}: {detail}"),
        _ => new UnreachableException($"{_http.BaseAddress} answered {(int)status}, but not as a Belfry server does"),
    };

    static Uri Address(string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" && address is { UserInfo: "", Query: "", Fragment: "" }
            ? address
            : throw new UsageException("--server is the address of a server, such as http://127.0.0.1:2355 or https://belfry.example.org/belfry, and no more");
}
