using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>What the page of one worker shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Source">Its source.</param>
/// <param name="Name">Its node name.</param>
/// <param name="Status">What the log knows of it; null when it sends no heartbeats.</param>
/// <param name="Said">What it says of itself; null when it is of no cluster that could be asked.</param>
/// <param name="Problem">Why it could not be asked, or what could not be done.</param>
/// <param name="Done">What was done.</param>
public sealed record WorkerView(PageFrame Frame, string Source, string Name, WorkerStatus? Status, InspectedWorker? Said, string? Problem, string? Done)
{
    /// <summary>Rows of a table; a worker may hold thousands of runs.</summary>
    public const int MostRows = 100;

    /// <summary>Runs that it began and of which nothing else will be known, the latest first.</summary>
    public IReadOnlyList<UnseenStart> Unseen { get; init; } = [];

    /// <summary>Its figures.</summary>
    public WorkerStats Stats { get; } = Said?.Stats is { } stats ? WorkerStats.Read(stats) : new WorkerStats();

    /// <summary>What its components told last, of a worker that does not answer.</summary>
    public IReadOnlyList<Sample> Noted { get; init; } = [];

    /// <summary>What its components tell of their health, just now or last.</summary>
    public IEnumerable<(string Name, string Value)> Facts => Noted.Count > 0
        ? Noted.Select(fact => (WorkerFacts.Parts(fact, Name).Fact, fact.Text ?? Number(fact.Value)))
        : ComponentFacts.Read(Stats.Facts).Select(fact => (fact.Name, fact.Text ?? Number(fact.Number)));

    /// <summary>How it is.</summary>
    public WorkerState State => WorkerRow.StateOf(Said?.Answers == true, Said?.Presence ?? Presence.Unknown, Status?.Online == true);

    /// <summary>Queues that it takes from.</summary>
    public IReadOnlyList<string> Queues { get; } = ClusterLook.QueuesOf(Said?.Queues);

    /// <summary>Tasks that it knows, with their rate limit.</summary>
    public IReadOnlyList<string> Tasks { get; } = Texts(Said?.Registered);

    /// <summary>Ids that it would not start, the latest last.</summary>
    public IReadOnlyList<string> Revoked { get; } = Texts(Said?.Revoked);

    /// <summary>Its settings by name, as far as they were changed.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings { get; } =
        [.. SettingsOf(Said?.Settings).OrderBy(setting => setting.Name, StringComparer.Ordinal)];

    /// <summary>Runs at work, the oldest first.</summary>
    public IReadOnlyList<HeldRun> Running { get; } = [.. HeldRun.Read(Said?.Active).OrderBy(run => run.At?.Micros ?? long.MaxValue)];

    /// <summary>Runs that it holds: those for later by their time, before them those that only wait.</summary>
    public IReadOnlyList<HeldRun> Held { get; } = [.. HeldRun.Read(Said?.Reserved), .. HeldRun.Read(Said?.Scheduled).OrderBy(run => run.At?.Micros ?? long.MaxValue)];

    /// <summary>It may be told what to do, by whoever looks.</summary>
    public bool MayControl => Said is not null && Frame.May(Right.Manage);

    /// <summary>It scales itself: only then can its limits be set, and only otherwise its processes.</summary>
    public bool Scales => Said?.Stats is { ValueKind: JsonValueKind.Object } stats && stats.TryGetProperty("autoscaler", out _);

    /// <summary>Its pool in words: <c>prefork 8</c>.</summary>
    public string Pool => Said?.Answers != true ? Format.Nothing : $"{(Stats.IsSolo ? "solo" : Stats.Pool ?? "pool")} {Stats.Slots}".Trim();

    static string Number(double? value) => value?.ToString("0.######", System.Globalization.CultureInfo.InvariantCulture) ?? "";

    // What was not set is told as null.
    static IEnumerable<(string Name, string Value)> SettingsOf(JsonElement? reply) => reply is not { ValueKind: JsonValueKind.Object } settings || WorkerStats.IsError(settings) ? []
        : settings.EnumerateObject().Where(setting => setting.Value.ValueKind != JsonValueKind.Null).Select(setting => (setting.Name, setting.Value.ToString()));

    static IReadOnlyList<string> Texts(JsonElement? list) =>
        list is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)] : [];
}

/// <summary>A run as its worker tells of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Task">Its task.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Arguments">Its arguments, secrets hidden.</param>
/// <param name="At">Since when it runs, or when it shall.</param>
public sealed record HeldRun(string Id, string Task, string Queue, string Arguments, Instant? At)
{
    /// <summary>Reads a reply to <c>active</c>, <c>reserved</c> or <c>scheduled</c>; whatever it is.</summary>
    public static IEnumerable<HeldRun> Read(JsonElement? reply)
    {
        foreach (JsonElement item in reply is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : default)
        {
            JsonElement run = Field(item, "request") is { ValueKind: JsonValueKind.Object } held ? held : item;
            if (Text(run, "id") is { Length: > 0 } id)
            {
                yield return new HeldRun(id, Text(run, "name"), Text(Field(run, "delivery_info"), "routing_key"), Shown(run), AtOf(item, run));
            }
        }
    }

    static string Shown(JsonElement run)
    {
        string args = Raw(Field(run, "args")), kwargs = Raw(Field(run, "kwargs"));
        return string.Join(' ', new[] { args is "[]" or "()" ? "" : args, kwargs == "{}" ? "" : kwargs }.Where(text => text.Length > 0));
    }

    static Instant? AtOf(JsonElement item, JsonElement run) =>
        Field(item, "eta") is { ValueKind: JsonValueKind.String } eta && Instant.TryParse(eta.GetString()!, out Instant at) ? at
        : Field(run, "time_start") is { ValueKind: JsonValueKind.Number } start && start.GetDouble() is > 0 and < 1e11 and var seconds ? Instant.FromUnixSeconds(seconds)
        : null;

    static JsonElement Field(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) ? value : default;

    static string Text(JsonElement item, string name) => Field(item, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    static string Raw(JsonElement value) => value.ValueKind switch { JsonValueKind.Undefined or JsonValueKind.Null => "", JsonValueKind.String => value.GetString()!, _ => value.GetRawText() };
}
