using System.Text;
using System.Text.Json;

namespace Belfry.Cli;

/// <summary>Adds entries to a settings file as a person would: everything else, comments too, stays as it is.</summary>
static class SettingsText
{
    /// <summary>The text with one more element at the begin of a list, which is made where it is missing.</summary>
    /// <exception cref="UsageException">The text is no settings file that could be added to.</exception>
    public static string AddTo(string text, string[] path, string element)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            (int at, int depth, bool empty) = Deepest(bytes, path);
            string added = Wrap(path[depth..], element, depth + 1) + (empty ? "\n" + Indent(depth) : ",");
            // What follows on the same line, a comment or the next element, goes on behind it.
            return Encoding.UTF8.GetString(bytes.AsSpan(0, at)) + "\n" + added + Encoding.UTF8.GetString(bytes.AsSpan(at));
        }
        catch (JsonException e)
        {
            throw new UsageException($"the settings file cannot be added to: {e.Message}");
        }
    }

    /// <summary>Adds to the file, or tells that there is none.</summary>
    public static async Task<bool> TryAddToFileAsync(string file, string[] path, string element, CancellationToken cancel)
    {
        if (!File.Exists(file))
        {
            return false;
        }
        string changed = AddTo(await File.ReadAllTextAsync(file, cancel), path, element);
        // Beside it, then in its place: a power cut leaves the old one or the new one.
        string beside = file + ".new";
        await File.WriteAllTextAsync(beside, changed, cancel);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(beside, File.GetUnixFileMode(file));
        }
        File.Move(beside, file, overwrite: true);
        return true;
    }

    /// <summary>Behind which bracket to add, how many parts of the path that bracket stands for, and whether it holds nothing yet.</summary>
    static (int At, int Depth, bool Empty) Deepest(byte[] bytes, string[] path)
    {
        var json = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        json.Read();
        int depth = 0;
        while (true)
        {
            int at = (int)json.BytesConsumed;
            bool list = json.TokenType == JsonTokenType.StartArray;
            if (json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray) || list != (depth == path.Length))
            {
                throw new JsonException($"{(depth == 0 ? "it" : string.Join(':', path[..depth]))} is no {(depth == path.Length ? "list" : "section")}");
            }
            json.Read();
            bool empty = json.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray;
            if (list || !FindMember(ref json, path[depth]))
            {
                return (at, depth, empty);
            }
            depth++;
        }
    }

    static bool FindMember(ref Utf8JsonReader json, string name)
    {
        while (json.TokenType == JsonTokenType.PropertyName)
        {
            bool found = name.Equals(json.GetString(), StringComparison.OrdinalIgnoreCase);
            json.Read();
            if (found)
            {
                return true;
            }
            json.Skip();
            json.Read();
        }
        return false;
    }

    static string Wrap(string[] missing, string element, int depth)
    {
        if (missing.Length == 0)
        {
            return Indent(depth) + element;
        }
        bool last = missing.Length == 1;
        return $"{Indent(depth)}\"{missing[0]}\": {(last ? '[' : '{')}\n{Wrap(missing[1..], element, depth + 1)}\n{Indent(depth)}{(last ? ']' : '}')}";
    }

    static string Indent(int depth) => new(' ', 2 * depth);
}
