using System.Text.Json;

namespace Belfry.Server.Sources;

/// <summary>Reads events from a body: one, an array of them, or one on each line.</summary>
/// <param name="Events">The valid ones, each with its line, or its number in the array, from 1.</param>
/// <param name="Mistakes">The others.</param>
sealed record EventsBody(List<(int Line, TaskEvent Event)> Events, List<LineMistake> Mistakes)
{
    // Of a body of so many nothing is to be had but an answer of its size, for each mistake has its words.
    const int MostMistakes = 10_000;

    /// <summary>Reads a body.</summary>
    public static EventsBody Read(ReadOnlyMemory<byte> body, string usualSource)
    {
        var read = new EventsBody([], []);
        if (!read.TryWhole(body, usualSource))
        {
            read.ReadLines(body, usualSource);
        }
        return read;
    }

    /// <summary>One event or an array; false for anything else, which may be lines.</summary>
    bool TryWhole(ReadOnlyMemory<byte> body, string usualSource)
    {
        bool isArray = body.Span.TrimStart(" \t\r\n"u8) is [(byte)'[', ..];
        try
        {
            using var whole = JsonDocument.Parse(body);
            JsonElement[] items = isArray ? [.. whole.RootElement.EnumerateArray()] : [whole.RootElement];
            for (int i = 0; i < items.Length && !IsHopeless(i + 1); i++)
            {
                Add(i + 1, items[i], usualSource);
            }
            return true;
        }
        catch (JsonException wrong) when (isArray)
        {
            Mistakes.Add(new LineMistake((int)(wrong.LineNumber ?? 0) + 1, "", $"this is no JSON: {wrong.Message}"));
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    void ReadLines(ReadOnlyMemory<byte> body, string usualSource)
    {
        int line = 0;
        for (ReadOnlyMemory<byte> rest = body; !rest.IsEmpty;)
        {
            int end = rest.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> text = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            line++;
            if (IsHopeless(line))
            {
                return;
            }
            if (!text.Span.Trim(" \t\r"u8).IsEmpty)
            {
                ReadLine(line, text, usualSource);
            }
        }
    }

    /// <summary>It has too many mistakes: from here on it is not read.</summary>
    bool IsHopeless(int line)
    {
        if (Mistakes.Count == MostMistakes)
        {
            Mistakes.Add(new LineMistake(line, "", $"neither this nor what follows was read: {MostMistakes} mistakes are enough"));
        }
        return Mistakes.Count > MostMistakes;
    }

    void ReadLine(int line, ReadOnlyMemory<byte> text, string usualSource)
    {
        try
        {
            using var one = JsonDocument.Parse(text);
            Add(line, one.RootElement, usualSource);
        }
        catch (JsonException wrong)
        {
            Mistakes.Add(new LineMistake(line, "", $"this is no JSON: {wrong.Message}"));
        }
    }

    void Add(int line, JsonElement json, string usualSource)
    {
        try
        {
            if (EventJson.TryRead(json, usualSource, out TaskEvent? item, out EventMistake? wrong))
            {
                Events.Add((line, item));
            }
            else
            {
                Mistakes.Add(new LineMistake(line, wrong.Field, wrong.Problem));
            }
        }
        catch (InvalidOperationException notUtf16)
        {
            Mistakes.Add(new LineMistake(line, "", $"a text in it is no Unicode: {notUtf16.Message}"));
        }
    }
}

/// <summary>What is wrong with an event of a body.</summary>
/// <param name="Line">Its line, or its number in the array, from 1.</param>
/// <param name="Field">The field; empty for the whole.</param>
/// <param name="Problem">What.</param>
sealed record LineMistake(int Line, string Field, string Problem);
