using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console.Rendering;

namespace Belfry.Cli;

/// <summary>What verbs print. In JSON it looks the same whether a server answered or the command itself looked.</summary>
static class Answers
{
    static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    static readonly JsonSerializerOptions InOneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The answer that a server would give.</summary>
    public static JsonElement Of(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            write(json);
        }
        return JsonElement.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    /// <summary>A field as text; empty where it is missing.</summary>
    public static string Text(JsonElement answer, string field) => answer.TryGetProperty(field, out JsonElement value) ? value.ToString() : "";

    /// <summary>JSON for people, in one line.</summary>
    public static string Line(JsonElement value) => JsonSerializer.Serialize(value, InOneLine);

    /// <summary>Prints JSON.</summary>
    public static void Print<T>(T answer) => Console.Out.WriteLine(JsonSerializer.Serialize(answer, Readable));

    /// <summary>Prints rows in columns.</summary>
    public static void Print(string[] head, IReadOnlyList<string[]> rows) => Print(head, rows, Console.Out);

    /// <summary>Prints rows in columns.</summary>
    public static void Print(string[] head, IReadOnlyList<string[]> rows, TextWriter to)
    {
        string[][] shown = [.. rows.Prepend(head).Select(row => Array.ConvertAll(row, cell => Harmless(cell)))];
        int[] widths = [.. head.Select((_, i) => shown.Max(row => WidthOf(row[i])))];
        foreach (string[] row in shown)
        {
            to.WriteLine(string.Join("  ", row.Select((cell, i) => cell + new string(' ', widths[i] - WidthOf(cell)))).TrimEnd());
        }
    }

    /// <summary>Prints a text that is somebody else's: into a pipe as it is.</summary>
    public static void PrintText(string text) => Console.Out.WriteLine(Console.IsOutputRedirected ? text : Harmless(text, "\n\t"));

    /// <summary>A text whose control characters are shown and not obeyed: they could move a terminal's cursor, or worse.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kept">Those of them that may stay.</param>
    public static string Harmless(string text, string kept = "") => !text.Any(char.IsControl) ? text : string.Concat(text.Select(letter => letter switch
    {
        _ when kept.Contains(letter, StringComparison.Ordinal) => letter,
        < ' ' => (char)('\u2400' + letter),
        '\x7f' => '\u2421',
        _ when char.IsControl(letter) => '\uFFFD',
        _ => letter,
    }));

    /// <summary>How many columns of a terminal a text takes: some letters take two.</summary>
    static int WidthOf(string text) => Ascii.IsValid(text) ? text.Length : new Segment(text).CellCount();
}
