using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Belfry.Server.Api;

/// <summary>Reads the parameters of a request. The first that is not understood becomes the problem.</summary>
static class Parameters
{
    const int UsualLimit = 50, LargestLimit = 1000;

    /// <summary>A parameter that is not among those known; null when there is none.</summary>
    public static FieldProblem? Unknown(IQueryCollection sent, params IReadOnlyCollection<string> known) =>
        sent.Keys.FirstOrDefault(key => !known.Contains(key)) is { } unknown
            ? new FieldProblem(unknown, $"'{unknown}' is not known; known {(known.Count == 1 ? "is" : "are")} {(known.Count == 0 ? "none" : string.Join(", ", known))}.")
            : null;

    /// <summary>A text; null when it is empty.</summary>
    public static string? Text(IQueryCollection sent, string field) => sent[field].ToString().Trim() is { Length: > 0 } text ? text : null;

    /// <summary>Values, repeated or divided by commas; one in quotes is one, whatever is in it.</summary>
    public static string[] List(StringValues values) =>
        [.. values.SelectMany(value => value is ['"', .., '"'] ? [value[1..^1]] : (value ?? "").Split(',')).Select(value => value.Trim()).Where(value => value.Length > 0).Distinct()];

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

    /// <summary>Yes or no; no when it is not there.</summary>
    public static bool Yes(IQueryCollection sent, string field, ref FieldProblem? problem)
    {
        string? text = Text(sent, field)?.ToLowerInvariant();
        if (text is not (null or "true" or "false"))
        {
            problem ??= new FieldProblem(field, $"'{text}' is neither true nor false.");
        }
        return text == "true";
    }

    /// <summary>A number of seconds; null when there is none.</summary>
    public static TimeSpan? Seconds(IQueryCollection sent, string field, ref FieldProblem? problem) => Seconds(Text(sent, field), field, ref problem);

    /// <summary>A number of seconds; null when there is none.</summary>
    public static TimeSpan? Seconds(string? text, string field, ref FieldProblem? problem)
    {
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

    /// <summary>How many rows at most.</summary>
    public static int Limit(IQueryCollection sent, ref FieldProblem? problem)
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
