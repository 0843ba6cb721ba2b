using System.Text;
using System.Text.Json;
using Belfry.Storage;

namespace Belfry.Server.Checks;

/// <summary>A Task Status Monitoring configuration: the dictionary of its document, bare or as the only element of an array.</summary>
/// <param name="Tasks">One entry for each task, in the order of the file.</param>
public sealed record StatusDocument(IReadOnlyList<StatusEntry> Tasks)
{
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16 };

    /// <summary>Reads a configuration.</summary>
    /// <param name="json">The file, UTF-8.</param>
    /// <param name="name">What the checks are named after: <c>{name}: {task}</c>.</param>
    /// <exception cref="FormatException">It is no JSON (the message has line and column) or no such dictionary: nothing can be checked.</exception>
    public static StatusDocument Read(ReadOnlyMemory<byte> json, string name)
    {
        ReadOnlyMemory<byte> text = json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Strict);
            return Read(document.RootElement, name);
        }
        catch (JsonException e)
        {
            throw new FormatException($"{Place(text.Span, e)}: {Reason(e)}", e);
        }
    }

    /// <summary>
    /// The same, with a mistake in each entry that the log cannot answer: only the last run of a task stays for ever, and of a context that may be any.
    /// </summary>
    public StatusDocument AnswerableFrom(RetentionPolicy retention)
    {
        (string key, TimeSpan? age) = retention.FailureAge is null || retention.Age < retention.FailureAge
            ? ("Retention:Age", retention.Age)
            : ("Retention:FailureAge", retention.FailureAge);
        return new StatusDocument([.. Tasks.Select(entry => entry.Check is { Context: not null } check && check.Expects.Window > age ? Beyond(entry, check, key, age.Value) : entry)]);
    }

    static StatusEntry Beyond(StatusEntry entry, Check check, string key, TimeSpan age) => new(entry.Task, null,
    [
        $"lookback_hours: {CheckSentence.Span(check.Expects.Window)} reach further back than the log is kept ({key} is {CheckSentence.Span(age)}), and which run of "
        + $"context_model {check.Context!.Model} was the last is not known beyond that; set it to {Math.Floor(age.TotalHours * 100) / 100:0.##} at most, or {key} to more",
    ]);

    static StatusDocument Read(JsonElement root, string name)
    {
        JsonElement tasks = root.ValueKind == JsonValueKind.Array
            ? root.GetArrayLength() == 1 ? root[0] : throw new FormatException($"the array has {root.GetArrayLength()} elements; it must hold one dictionary")
            : root;
        if (tasks.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"a dictionary of tasks is expected, not {StatusFields.Kind(tasks)}");
        }
        JsonProperty[] entries = [.. tasks.EnumerateObject()];
        if (entries.Length == 0)
        {
            throw new FormatException("it names no task");
        }
        return new StatusDocument([.. entries.GroupBy(entry => entry.Name, StringComparer.Ordinal).Select(same => Entry([.. same], name))]);
    }

    static StatusEntry Entry(JsonProperty[] same, string name)
    {
        string task = same[0].Name;
        if (same.Length > 1)
        {
            return new StatusEntry(task, null, [$"is there {same.Length} times"]);
        }
        var fields = new StatusFields(same[0].Value);
        Check check = fields.ToCheck(task, $"{name}: {task}");
        return fields.Problems.Count == 0 ? new StatusEntry(task, check, []) : new StatusEntry(task, null, fields.Problems);
    }

    static string Place(ReadOnlySpan<byte> text, JsonException e)
    {
        long line = e.LineNumber ?? 0;
        for (long skip = line; skip > 0 && text.IndexOf((byte)'\n') is >= 0 and var end; skip--)
        {
            text = text[(end + 1)..];
        }
        // The parser counts bytes, people count characters.
        int bytes = (int)Math.Min(e.BytePositionInLine ?? 0, text.Length);
        return $"line {line + 1}, column {Encoding.UTF8.GetCharCount(text[..bytes]) + 1}";
    }

    static string Reason(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }
}

/// <summary>One task of a configuration.</summary>
/// <param name="Task">Its name.</param>
/// <param name="Check">The check; null when the entry has mistakes.</param>
/// <param name="Problems">Its mistakes, each naming the field.</param>
public sealed record StatusEntry(string Task, Check? Check, IReadOnlyList<string> Problems);
