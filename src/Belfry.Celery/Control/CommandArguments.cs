using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Belfry.Celery.Control;

/// <summary>Reads what is given to a command. The worker would take anything, and much of it would fail there without a word that helps.</summary>
public static partial class CommandArguments
{
    const int LongestText = 1000, MostTexts = 1000;
    static readonly string[] Signals = ["TERM", "KILL", "INT", "QUIT", "HUP", "USR1", "USR2"];

    /// <summary>Makes Celery's arguments of texts.</summary>
    /// <param name="command">The command.</param>
    /// <param name="given">Texts by the name of their field.</param>
    /// <param name="arguments">What workers get.</param>
    /// <param name="mistake">The first field that is wrong, and a sentence; null when all are understood.</param>
    public static bool TryRead(WorkerCommand command, IReadOnlyDictionary<string, IReadOnlyList<string>> given, out JsonObject arguments, out (string Field, string Problem)? mistake)
    {
        arguments = [];
        mistake = given.Keys.FirstOrDefault(name => command.Fields.All(field => field.Name != name)) is { } unknown
            ? (unknown, $"'{unknown}' is not known here; {command.Name} takes {(command.Fields.Count == 0 ? "nothing" : string.Join(", ", command.Fields.Select(field => field.Name)))}.")
            : null;
        foreach (CommandField field in mistake is null ? command.Fields : [])
        {
            IReadOnlyList<string> texts = [.. (given.GetValueOrDefault(field.Name) ?? []).Select(text => text.Trim()).Where(text => text.Length > 0)];
            string? problem = texts.Count > 0 ? ProblemOf(field, texts) : field.Required ? "is missing" : null;
            if (problem is not null)
            {
                mistake ??= (field.Name, $"'{field.Name}' {problem}.");
            }
            else if (texts.Count > 0 && Value(field, texts) is { } value)
            {
                arguments[field.Argument] = value;
            }
        }
        mistake ??= Together(arguments);
        return mistake is null;
    }

    static string? ProblemOf(CommandField field, IReadOnlyList<string> texts) =>
        texts.Count > (field.Kind == FieldKind.Texts ? MostTexts : 1) ? field.Kind == FieldKind.Texts ? $"takes at most {MostTexts}" : "takes one value"
        : texts.Any(text => text.Length > LongestText || text.Any(char.IsControl)) ? $"is a text of at most {LongestText} characters in one line"
        : field.Kind switch
        {
            FieldKind.Whole when !int.TryParse(texts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < field.Least || number > 10_000 => $"is a whole number from {field.Least} to 10000, not '{texts[0]}'",
            FieldKind.Seconds when Seconds(texts[0]) is null => $"is a number of seconds, 0 for none; not '{texts[0]}'",
            FieldKind.Rate when !RatePattern().IsMatch(texts[0]) => $"is how often: 10/s, 30/m, 2/h, or 0 for any time; not '{texts[0]}'",
            FieldKind.Signal when !Signals.Contains(SignalName(texts[0])) => $"is one of {string.Join(", ", Signals)}, not '{texts[0]}'",
            FieldKind.Flag when Flag(texts[0]) is null => $"is true or false, not '{texts[0]}'",
            _ => null,
        };

    static JsonNode? Value(CommandField field, IReadOnlyList<string> texts) => field.Kind switch
    {
        FieldKind.Texts => new JsonArray([.. texts.Select(text => JsonValue.Create(text))]),
        FieldKind.Whole => int.Parse(texts[0], CultureInfo.InvariantCulture),
        FieldKind.Seconds => Seconds(texts[0])!.Value,
        FieldKind.Signal => "SIG" + SignalName(texts[0]),
        FieldKind.Flag => Flag(texts[0])!.Value,
        _ => texts[0],
    };

    /// <summary>What is right alone and wrong together.</summary>
    static (string, string)? Together(JsonObject arguments) =>
        arguments["min"] is { } min && arguments["max"] is { } max && (int)min > (int)max ? ("min", "'min' is not above 'max'.")
        : arguments["soft"] is { } soft && arguments["hard"] is { } hard && (double)hard > 0 && (double)soft >= (double)hard ? ("soft", "'soft' is below 'hard', or nobody ever sees it.")
        // Celery's own command wants the signal first.
        : arguments["task_id"] is JsonArray ids && ids.Select(id => (string)id!).FirstOrDefault(id => Signals.Contains(SignalName(id))) is { } signal ? ("id", $"'{signal}' is a signal and no id: it goes into 'signal'.")
        : null;

    static double? Seconds(string text) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e9 ? seconds : null;

    static bool? Flag(string text) => text.ToLowerInvariant() switch { "true" or "yes" or "on" or "1" => true, "false" or "no" or "off" or "0" => false, _ => null };

    static string SignalName(string text) => text.ToUpperInvariant() is var name && name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;

    [GeneratedRegex(@"^[0-9]{1,9}(\.[0-9]{1,9})?(/[smh])?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RatePattern();
}
