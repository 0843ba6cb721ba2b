using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Belfry.Server.Api;

/// <summary>What a request asks of the log: its parameters, understood.</summary>
sealed record RunQuery(RunFilter Filter, int Limit, string? Cursor)
{
    const int UsualLimit = 50, LargestLimit = 1000;

    static readonly string[] Filters = ["q", "task", "app", "state", "source", "worker", "queue", "exception", "from", "to", "min_runtime"];
    static readonly string[] Paging = ["limit", "cursor"];

    /// <summary>Reads the parameters. Whatever is not understood is a problem, never passed over: a misspelt filter would show everything.</summary>
    public static bool TryRead(IQueryCollection sent, bool paged, [NotNullWhen(true)] out RunQuery? query, [NotNullWhen(false)] out FieldProblem? problem)
    {
        string[] known = paged ? [.. Filters, .. Paging] : Filters;
        problem = sent.Keys.FirstOrDefault(key => !known.Contains(key)) is { } unknown
            ? new FieldProblem(unknown, $"'{unknown}' is not known; known are {string.Join(", ", known)}.")
            : null;
        string? text = Text(sent, "q");
        problem ??= RunFilter.MistakeIn(text) is { } mistake ? new FieldProblem("q", mistake.Message) : null;
        var filter = new RunFilter
        {
            Text = text,
            Tasks = List(sent["task"]), Apps = List(sent["app"]), Sources = List(sent["source"]), Workers = List(sent["worker"]),
            Queues = List(sent["queue"]), Exceptions = List(sent["exception"]), States = States(List(sent["state"]), ref problem),
            From = At(sent, "from", ref problem), To = At(sent, "to", ref problem), MinRuntime = Seconds(sent, "min_runtime", ref problem),
        };
        int limit = Limited(sent, ref problem);
        query = problem is null ? new RunQuery(filter, limit, Text(sent, "cursor")) : null;
        return query is not null;
    }

    /// <summary>A text; null when it is empty.</summary>
    public static string? Text(IQueryCollection sent, string field) => sent[field].ToString().Trim() is { Length: > 0 } text ? text : null;

    /// <summary>Values, repeated or divided by commas.</summary>
    public static string[] List(StringValues values) =>
        [.. values.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];

    static List<RunState> States(string[] names, ref FieldProblem? problem)
    {
        var states = new List<RunState>();
        foreach (string name in names)
        {
            if (RunStates.TryParse(name, out RunState state))
            {
                states.Add(state);
            }
            else
            {
                problem ??= new FieldProblem("state", $"'{name}' is no state; known are {string.Join(", ", RunStates.All)} and the names other systems have for them.");
            }
        }
        return states;
    }

    /// <summary>An instant; null when there is none.</summary>
    public static Instant? At(IQueryCollection sent, string field, ref FieldProblem? problem)
    {
        // A plus that was not encoded arrives as a space: 2026-11-20T10:00:00+01:00.
        string? text = Text(sent, field)?.Replace(' ', '+');
        if (text is null)
        {
            return null;
        }
        if (Instant.TryParse(text, out Instant at))
        {
            return at;
        }
        problem ??= new FieldProblem(field, $"'{text}' is no instant; write 2026-11-20T09:00:00Z or seconds since 1970.");
        return null;
    }

    /// <summary>A number of seconds; null when there is none.</summary>
    public static TimeSpan? Seconds(IQueryCollection sent, string field, ref FieldProblem? problem)
    {
        string? text = Text(sent, field);
        if (text is null)
        {
            return null;
        }
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e9)
        {
            return TimeSpan.FromSeconds(seconds);
        }
        problem ??= new FieldProblem(field, $"'{text}' is no number of seconds.");
        return null;
    }

    static int Limited(IQueryCollection sent, ref FieldProblem? problem)
    {
        string? text = Text(sent, "limit");
        if (text is null)
        {
            return UsualLimit;
        }
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit is >= 1 and <= LargestLimit)
        {
            return limit;
        }
        problem ??= new FieldProblem("limit", $"'{text}' is no limit; use 1 to {LargestLimit}.");
        return UsualLimit;
    }
}
