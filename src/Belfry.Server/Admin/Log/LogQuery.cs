using System.Globalization;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Belfry.Server.Admin;

/// <summary>The state of the log page: it is the address, nothing else. The names are those of <c>/api/v1/runs</c>.</summary>
public sealed record LogQuery
{
    /// <summary>The span shown when the address names none.</summary>
    public const string DefaultLast = "24h";

    /// <summary>How many runs a page has.</summary>
    public const int PageSize = 50;

    /// <summary>How many pages back can be walked by "Newer" before it leads to the newest; it bounds the address.</summary>
    const int LongestTrail = 40;

    /// <summary>Spans offered, with their words.</summary>
    public static IReadOnlyList<(string Last, string Words, TimeSpan? Length)> Spans { get; } =
    [
        ("1h", "1 h", TimeSpan.FromHours(1)), ("24h", "24 h", TimeSpan.FromHours(24)),
        ("7d", "7 d", TimeSpan.FromDays(7)), ("30d", "30 d", TimeSpan.FromDays(30)), ("all", "All time", null),
    ];

    /// <summary>Fields that hold lists of values, with the words of their groups.</summary>
    public static IReadOnlyList<(string Field, string Words)> Fields { get; } =
    [
        ("state", "State"), ("task", "Task"), ("source", "Source"), ("queue", "Queue"),
        ("worker", "Worker"), ("exception", "Exception"), ("app", "App"),
    ];

    /// <summary>Free text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Chosen values by field, in the order in which they were chosen.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Values { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Begin, as in the address.</summary>
    public string? From { get; init; }

    /// <summary>End, as in the address.</summary>
    public string? To { get; init; }

    /// <summary>The span up to now; null when From or To is given.</summary>
    public string? Last { get; init; }

    /// <summary>Least runtime in seconds, as in the address.</summary>
    public string? MinRuntime { get; init; }

    /// <summary>Where this page begins; null for the newest.</summary>
    public string? Cursor { get; init; }

    /// <summary>The number of the first run of this page, from 1.</summary>
    public int First { get; init; } = 1;

    /// <summary>The cursors of the pages before this one, newest first; an empty one is the newest page.</summary>
    public IReadOnlyList<string> Trail { get; init; } = [];

    /// <summary>New runs appear by themselves.</summary>
    public bool Live { get; init; } = true;

    /// <summary>A group of the rail that shows all its values.</summary>
    public string? Show { get; init; }

    /// <summary>Reads an address.</summary>
    public static LogQuery Read(IQueryCollection query)
    {
        string? One(string name) => query[name] is { Count: > 0 } values && !string.IsNullOrWhiteSpace(values[0]) ? values[0]!.Trim() : null;
        string? from = One("from"), to = One("to");
        return new LogQuery
        {
            Text = One("q") ?? "",
            Values = Fields.Select(field => (field.Field, Values: List(query[field.Field]))).Where(field => field.Values.Count > 0)
                .ToDictionary(field => field.Field, field => field.Values, StringComparer.Ordinal),
            From = from,
            To = to,
            Last = from is null && to is null ? One("last") ?? DefaultLast : null,
            MinRuntime = One("min_runtime"),
            Cursor = One("cursor"),
            First = int.TryParse(One("first"), NumberStyles.None, CultureInfo.InvariantCulture, out int first) ? Math.Max(1, first) : 1,
            Trail = One("trail")?.Split(',') ?? [],
            Live = One("live") != "0",
            Show = One("show"),
        };
    }

    /// <summary>What the values mean; a problem names what is not understood, and the rest still holds.</summary>
    public RunFilter Filter(SiteClock clock, out string? problem)
    {
        string? wrong = RunFilter.MistakeIn(Text)?.Message;
        Instant? At(string field, string? text)
        {
            if (text is null)
            {
                return null;
            }
            if (clock.TryRead(text, out Instant at))
            {
                return at;
            }
            wrong ??= $"{field}: '{text}' is no time; write 2026-11-20T09:00 or 2026-11-20T09:00:00Z";
            return null;
        }
        RunState? State(string text)
        {
            bool known = RunStates.TryParse(text, out RunState state);
            wrong ??= known ? null : $"state: there is no '{text}'; there are {string.Join(", ", RunStates.All)}";
            return known ? state : null;
        }
        TimeSpan? span = Spans.FirstOrDefault(span => span.Last == Last).Length;
        wrong ??= Last is null || Spans.Any(known => known.Last == Last) ? null : $"last: '{Last}' is not one of {string.Join(", ", Spans.Select(known => known.Last))}";
        TimeSpan? least = null;
        if (MinRuntime is not null)
        {
            bool number = double.TryParse(MinRuntime, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e9;
            least = number ? TimeSpan.FromSeconds(seconds) : null;
            wrong ??= number ? null : $"min_runtime: '{MinRuntime}' is no number of seconds";
        }
        RunFilter filter = new()
        {
            Text = Text.Length == 0 || wrong is not null ? null : Text,
            States = [.. Of("state").Select(State).OfType<RunState>().Distinct()],
            Tasks = Of("task"),
            Sources = Of("source"),
            Queues = Of("queue"),
            Workers = Of("worker"),
            Exceptions = Of("exception"),
            Apps = Of("app"),
            From = At("from", From) ?? (span is { } length ? clock.Now - length : null),
            To = At("to", To),
            MinRuntime = least,
        };
        problem = wrong;
        return filter;
    }

    /// <summary>The values chosen in a field.</summary>
    public IReadOnlyList<string> Of(string field) => Values.GetValueOrDefault(field) ?? [];

    /// <summary>A value is chosen.</summary>
    public bool Has(string field, string value) => Of(field).Contains(value, field == "state" ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

    /// <summary>Something besides the time restricts the list.</summary>
    public bool Restricted => Text.Length > 0 || Values.Count > 0 || MinRuntime is not null;

    /// <summary>This page shows the newest runs, so new ones can be added on top.</summary>
    public bool AtHead => Cursor is null && To is null;

    /// <summary>The same with a value chosen or no longer chosen, from the newest on.</summary>
    public LogQuery Toggle(string field, string value)
    {
        IReadOnlyList<string> now = Of(field);
        string[] next = Has(field, value)
            ? [.. now.Where(other => !string.Equals(other, value, field == "state" ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))]
            : [.. now, value];
        return With(field, next);
    }

    /// <summary>The same with these values of a field, from the newest on.</summary>
    public LogQuery With(string field, params IReadOnlyList<string> values)
    {
        Dictionary<string, IReadOnlyList<string>> changed = new(Values, StringComparer.Ordinal) { [field] = values };
        if (values.Count == 0)
        {
            changed.Remove(field);
        }
        return AtNewest() with { Values = changed };
    }

    /// <summary>The same from the newest on.</summary>
    public LogQuery AtNewest() => this with { Cursor = null, First = 1, Trail = [] };

    /// <summary>The next, older page.</summary>
    public LogQuery Older(string next, int shown) =>
        this with { Cursor = next, First = First + shown, Trail = [.. Trail.TakeLast(LongestTrail - 1), $"{First}~{Cursor}"] };

    /// <summary>The page before; null on the newest.</summary>
    public LogQuery? Newer()
    {
        if (Cursor is null)
        {
            return null;
        }
        string[] back = (Trail.Count > 0 ? Trail[^1] : "1~").Split('~', 2);
        bool whole = back.Length == 2 && back[1].Length > 0 && int.TryParse(back[0], NumberStyles.None, CultureInfo.InvariantCulture, out _);
        return whole
            ? this with { Cursor = back[1], First = int.Parse(back[0], CultureInfo.InvariantCulture), Trail = [.. Trail.SkipLast(1)] }
            : AtNewest();
    }

    /// <summary>The address, only what differs from the plain log.</summary>
    public string Url(PageFrame frame) => frame.Url("/log") + QueryString(Pairs());

    /// <summary>The address of the stream that belongs to this page.</summary>
    public string LiveUrl(PageFrame frame) => frame.Url("/log/live") + QueryString(Pairs());

    /// <summary>The address of a download of everything that matches: the API knows no spans, so the begin stands as an instant.</summary>
    public string ExportUrl(PageFrame frame, RunFilter filter) =>
        frame.Url("/api/v1/runs.csv") + QueryString([
            ("q", Text), .. Lists(), ("from", filter.From?.ToString()), ("to", filter.To?.ToString()), ("min_runtime", MinRuntime)]);

    /// <summary>Names and values of the address, for forms.</summary>
    public IEnumerable<(string Name, string? Value)> Pairs() =>
    [
        ("q", Text), .. Lists(), ("from", From), ("to", To), ("last", Last == DefaultLast ? null : Last), ("min_runtime", MinRuntime),
        ("cursor", Cursor), ("first", First == 1 ? null : First.ToString(CultureInfo.InvariantCulture)), ("trail", Trail.Count == 0 ? null : string.Join(',', Trail)),
        ("live", Live ? null : "0"), ("show", Show),
    ];

    IEnumerable<(string, string?)> Lists() => Fields.Where(field => Of(field.Field).Count > 0).SelectMany(field => Parameters(field.Field, Of(field.Field)));

    // One parameter with commas reads best; a value that has a comma itself needs a parameter of its own, quoted.
    static IEnumerable<(string, string?)> Parameters(string field, IReadOnlyList<string> values) =>
        values.All(value => !value.Contains(',', StringComparison.Ordinal))
            ? [(field, string.Join(',', values))]
            : values.Select(value => (field, (string?)(value.Contains(',', StringComparison.Ordinal) ? $"\"{value}\"" : value)));

    static string QueryString(IEnumerable<(string Name, string? Value)> pairs)
    {
        string query = string.Join('&', pairs.Where(pair => !string.IsNullOrEmpty(pair.Value)).Select(pair => $"{pair.Name}={Escape(pair.Value!)}"));
        return query.Length == 0 ? "" : "?" + query;
    }

    static string Escape(string value) => Uri.EscapeDataString(value).Replace("%2C", ",", StringComparison.Ordinal).Replace("%2A", "*", StringComparison.Ordinal);

    static IReadOnlyList<string> List(StringValues values) =>
        [.. values.OfType<string>().SelectMany(value => value is ['"', .., '"'] ? [value[1..^1]] : value.Split(','))
            .Select(value => value.Trim()).Where(value => value.Length > 0).Distinct(StringComparer.Ordinal)];
}
