using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Belfry.Celery;

/// <summary>Values as Python prints them (<c>repr</c>): <c>('a', None, True)</c>.</summary>
static class PythonRepr
{
    /// <summary>Celery's own measure for <c>argsrepr</c> and <c>kwargsrepr</c>.</summary>
    public const int Longest = 1024;

    /// <summary>The repr of a JSON array as the tuple that a task is called with, of anything else as itself.</summary>
    public static string Of(PythonJson document, JsonElement value, bool asTuple = false)
    {
        var text = new StringBuilder();
        Write(text, document, value, asTuple);
        return text.ToString();
    }

    /// <summary>Cut to Celery's measure, with dots where something is missing.</summary>
    public static string Shortened(string repr) => repr.Length <= Longest ? repr : $"{repr[..(Longest - 3)]}...";

    /// <summary>The repr of a str.</summary>
    public static string OfText(string value)
    {
        char quote = value.Contains('\'') && !value.Contains('"') ? '"' : '\'';
        var text = new StringBuilder().Append(quote);
        foreach (Rune rune in value.EnumerateRunes())
        {
            text.Append(rune.Value switch
            {
                '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t",
                _ when rune.Value == quote => $"\\{quote}",
                _ when IsPrinted(rune) => rune.ToString(),
                < 0x100 => $"\\x{rune.Value:x2}", < 0x10000 => $"\\u{rune.Value:x4}", _ => $"\\U{rune.Value:x8}",
            });
        }
        return text.Append(quote).ToString();
    }

    static void Write(StringBuilder text, PythonJson document, JsonElement value, bool asTuple)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                text.Append(asTuple ? '(' : '[');
                string comma = "";
                foreach (JsonElement item in value.EnumerateArray())
                {
                    text.Append(comma);
                    comma = ", ";
                    Write(text, document, item, asTuple: false);
                }
                text.Append(asTuple ? value.GetArrayLength() == 1 ? ",)" : ")" : "]");
                break;
            case JsonValueKind.Object:
                text.Append('{');
                string next = "";
                foreach (JsonProperty pair in value.EnumerateObject())
                {
                    text.Append(next).Append(OfText(pair.Name)).Append(": ");
                    next = ", ";
                    Write(text, document, pair.Value, asTuple: false);
                }
                text.Append('}');
                break;
            default:
                text.Append(Leaf(document, value));
                break;
        }
    }

    static string Leaf(PythonJson document, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => OfText(value.Text()!),
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Number => document.Raw(value) switch { "NaN" => "nan", "Infinity" => "inf", "-Infinity" => "-inf", var number => number! },
        _ => "None",
    };

    static bool IsPrinted(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        && (rune.Value == ' ' || Rune.GetUnicodeCategory(rune) != UnicodeCategory.SpaceSeparator);
}
