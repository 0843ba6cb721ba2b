using System.Net;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>What a program sees of a running Belfry through its API.</summary>
sealed class LogReader(HttpClient http, string mount = "")
{
    /// <summary>The attempts of a run, the first one first; empty while nobody knows it.</summary>
    public async Task<IReadOnlyList<LoggedRun>> AttemptsAsync(string id)
    {
        using HttpResponseMessage answer = await http.GetAsync(new Uri($"{mount}/api/v1/runs/{id}", UriKind.Relative));
        return answer.StatusCode == HttpStatusCode.NotFound
            ? []
            : [.. (await ReadAsync(answer))["attempts"]!.AsArray().Select(run => new LoggedRun(run!)).OrderBy(run => run.Attempt)];
    }

    /// <summary>Waits until the newest attempt of a run is in a state, and gives all attempts.</summary>
    public async Task<IReadOnlyList<LoggedRun>> UntilAsync(string id, string state, TimeSpan? limit = null)
    {
        IReadOnlyList<LoggedRun> seen = [];
        try
        {
            return await Eventually.GetAsync(
                $"run {id} is {state}",
                async () => (seen = await AttemptsAsync(id)) is [.., var newest] && newest.State == state ? seen : null, limit);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}; it is {(seen is [.., var newest] ? newest.ToString() : "unknown")}", late);
        }
    }

    /// <summary>A page of the log.</summary>
    public async Task<IReadOnlyList<LoggedRun>> ListAsync(string query) =>
        [.. (await GetAsync($"/api/v1/runs?{query}"))["items"]!.AsArray().Select(run => new LoggedRun(run!))];

    /// <summary>What the API answers.</summary>
    public async Task<JsonNode> GetAsync(string path)
    {
        using HttpResponseMessage answer = await http.GetAsync(new Uri(mount + path, UriKind.Relative));
        return await ReadAsync(answer);
    }

    static async Task<JsonNode> ReadAsync(HttpResponseMessage answer)
    {
        string text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? JsonNode.Parse(text)!
            : throw new InvalidOperationException($"{answer.RequestMessage!.RequestUri} answers {(int)answer.StatusCode}: {text}");
    }
}

/// <summary>A run as the API shows it.</summary>
sealed class LoggedRun(JsonNode json)
{
    public string Id => Text("id")!;

    public int Attempt => json["attempt"]!.GetValue<int>();

    public string State => Text("state")!;

    public DateTimeOffset? Submitted => Time("submitted");

    public DateTimeOffset? Received => Time("received");

    public DateTimeOffset? Started => Time("started");

    public DateTimeOffset? Finished => Time("finished");

    public DateTimeOffset? Eta => Time("eta");

    /// <summary>Any field as text; null where it is absent.</summary>
    public string? Text(string field) => json[field] is JsonValue value ? value.ToString() : json[field]?.ToJsonString();

    public override string ToString() => json.ToJsonString();

    DateTimeOffset? Time(string field) => Text(field) is { } text ? DateTimeOffset.Parse(text) : null;
}
