using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Belfry;

/// <summary>Asks the server for past runs of a source.</summary>
sealed class ServerHistory(HttpClient server, string source)
{
    const int TasksOfRequest = 20, PagesAtMost = 20, RunsOfPage = 1000;

    /// <summary>Its open runs.</summary>
    public Task<List<TaskRun>> OpenAsync(CancellationToken cancel) => PagesAsync("state=pending,queued,running", cancel);

    /// <summary>Of each task the open runs, the last of each kind, and those since an instant.</summary>
    public async Task<List<TaskRun>> OfAsync(IReadOnlyDictionary<string, Instant> since, CancellationToken cancel)
    {
        List<TaskRun> runs = [];
        foreach (string task in since.Keys)
        {
            runs.AddRange(await LastsAsync(task, cancel));
        }
        foreach (KeyValuePair<string, Instant>[] some in since.Chunk(TasksOfRequest))
        {
            Instant from = some.Min(task => task.Value);
            string begin = from.Micros <= 0 ? "" : $"&from={Uri.EscapeDataString(from.ToString())}";
            runs.AddRange(await PagesAsync($"task={string.Join(',', some.Select(task => Uri.EscapeDataString(task.Key)))}{begin}", cancel));
        }
        return runs;
    }

    async Task<IEnumerable<TaskRun>> LastsAsync(string task, CancellationToken cancel)
    {
        if (await GetAsync($"api/v1/tasks/{Uri.EscapeDataString(task)}?source={Uri.EscapeDataString(source)}", cancel) is not { } json)
        {
            return []; // it never ran
        }
        IEnumerable<JsonElement> ends = json.TryGetProperty("last_ends", out JsonElement last) ? last.EnumerateObject().Select(end => end.Value) : [];
        IEnumerable<JsonElement> open = json.TryGetProperty("open", out JsonElement runs) ? runs.EnumerateArray() : [];
        return [.. ends.Concat(open).Append(json.TryGetProperty("last", out JsonElement newest) ? newest : default).Select(RunReading.Of).OfType<TaskRun>()];
    }

    async Task<List<TaskRun>> PagesAsync(string filter, CancellationToken cancel)
    {
        var runs = new List<TaskRun>();
        string? cursor = null;
        for (int page = 0; page < PagesAtMost; page++)
        {
            string next = cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}";
            JsonElement json = await GetAsync(string.Create(CultureInfo.InvariantCulture, $"api/v1/runs?source={Uri.EscapeDataString(source)}&limit={RunsOfPage}&{filter}{next}"), cancel) ?? default;
            runs.AddRange(json.GetProperty("items").EnumerateArray().Select(RunReading.Of).OfType<TaskRun>());
            cursor = json.GetProperty("next").GetString();
            if (cursor is null)
            {
                break;
            }
        }
        return runs;
    }

    async Task<JsonElement?> GetAsync(string path, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await server.GetAsync(new Uri(path, UriKind.Relative), cancel);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"{server.BaseAddress} answered {(int)answer.StatusCode} {answer.ReasonPhrase}", null, answer.StatusCode);
        }
        using JsonDocument json = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), cancellationToken: cancel);
        return json.RootElement.Clone();
    }
}
