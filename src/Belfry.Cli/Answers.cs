using System.Text.Encodings.Web;
using System.Text.Json;

namespace Belfry.Cli;

/// <summary>What verbs print. In JSON it looks the same whether a server answered or the command itself looked.</summary>
static class Answers
{
    static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

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

    /// <summary>Prints JSON.</summary>
    public static void Print<T>(T answer) => Console.Out.WriteLine(JsonSerializer.Serialize(answer, Readable));

    /// <summary>Prints rows in columns.</summary>
    public static void Print(string[] head, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. head.Select((_, i) => rows.Append(head).Max(row => row[i].Length))];
        foreach (string[] row in rows.Prepend(head))
        {
            Console.Out.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        }
    }
}
