using System.Globalization;
using System.Text.RegularExpressions;

namespace Belfry.Server.Admin;

/// <summary>A trace, read: the exception that came out first, then what caused it.</summary>
/// <param name="Errors">At least one when it was understood.</param>
public sealed record TraceText(IReadOnlyList<TraceError> Errors)
{
    /// <summary>Reads a trace of Python or .NET; no errors in it when it is neither.</summary>
    public static TraceText Read(string? text) => new(
        text is null ? []
        : text.Contains("Traceback (most recent call last)", StringComparison.Ordinal) ? PythonTrace.Read(text)
        : DotNetTrace.Read(text));

    /// <summary>The frame to look at first: the innermost of one's own code, else the innermost.</summary>
    public static TraceFrame? Innermost(TraceError error) => error.Frames.LastOrDefault(frame => frame.Library is null) ?? (error.Frames.Count > 0 ? error.Frames[^1] : null);
}

/// <summary>An exception with the frames it passed, outermost first.</summary>
/// <param name="Class">Its full class.</param>
/// <param name="Message">Its message, maybe of several lines.</param>
/// <param name="Frames">Where it passed.</param>
public sealed record TraceError(string Class, string Message, IReadOnlyList<TraceFrame> Frames)
{
    /// <summary>The frames in stretches: one's own one by one, those of libraries together.</summary>
    public IEnumerable<IReadOnlyList<TraceFrame>> Stretches()
    {
        for (int at = 0; at < Frames.Count;)
        {
            int length = Frames[at].Library is null ? 1 : Frames.Skip(at).TakeWhile(frame => frame.Library is not null).Count();
            yield return [.. Frames.Skip(at).Take(length)];
            at += length;
        }
    }
}

/// <summary>A frame.</summary>
/// <param name="File">The file, or where there is none the type.</param>
/// <param name="Line">The line; 0 where unknown.</param>
/// <param name="Function">The function.</param>
/// <param name="Code">The line's text; empty where unknown.</param>
/// <param name="Library">The library it belongs to; null for one's own code.</param>
public sealed record TraceFrame(string File, int Line, string Function, string Code, string? Library)
{
    /// <summary>The last three parts of the file.</summary>
    public string ShortFile
    {
        get
        {
            string[] parts = File.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);
            return string.Join('/', parts.TakeLast(3));
        }
    }

    /// <summary>File and line.</summary>
    public string Place => Line > 0 ? string.Create(CultureInfo.InvariantCulture, $"{ShortFile}:{Line}") : ShortFile;
}

/// <summary>Reads what Python's <c>traceback</c> prints.</summary>
static partial class PythonTrace
{
    // A trace can be as long as its sender likes; the page shows this much of it in frames, all of it in the copy.
    const int MostLines = 2000;

    /// <summary>The exceptions, the one that came out first.</summary>
    public static IReadOnlyList<TraceError> Read(string text)
    {
        List<TraceError> errors = [];
        List<TraceFrame> frames = [];
        List<string> message = [];
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n').Take(MostLines))
        {
            if (line.StartsWith("Traceback (most recent", StringComparison.Ordinal) || IsJoint(line))
            {
                Close(errors, frames, message);
            }
            else if (FrameLine().Match(line) is { Success: true } match)
            {
                frames.Add(Frame(match));
            }
            else if (line.StartsWith("    ", StringComparison.Ordinal) && message.Count == 0 && frames.Count > 0)
            {
                frames[^1] = WithCode(frames[^1], line);
            }
            else if (line.Length > 0 || message.Count > 0)
            {
                message.Add(line);
            }
        }
        Close(errors, frames, message);
        errors.Reverse();
        return errors;
    }

    static bool IsJoint(string line) =>
        line.StartsWith("During handling of the above", StringComparison.Ordinal) || line.StartsWith("The above exception was", StringComparison.Ordinal);

    // The line of carets that Python 3.11 draws below the code is no code.
    static TraceFrame WithCode(TraceFrame frame, string line) =>
        frame.Code.Length > 0 || line.AsSpan().Trim().TrimStart('^').TrimStart('~').IsEmpty ? frame : frame with { Code = line.Trim() };

    static TraceFrame Frame(Match match)
    {
        string file = match.Groups["file"].Value;
        _ = int.TryParse(match.Groups["line"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int line);
        return new TraceFrame(file, line, match.Groups["function"].Value, "", Library(file));
    }

    static void Close(List<TraceError> errors, List<TraceFrame> frames, List<string> message)
    {
        string[] lines = [.. message.AsEnumerable().Reverse().SkipWhile(string.IsNullOrWhiteSpace).Reverse()];
        if (frames.Count > 0 || lines.Length > 0)
        {
            string whole = string.Join('\n', lines);
            int colon = whole.IndexOf(": ", StringComparison.Ordinal);
            bool isClass = colon > 0 && !whole.AsSpan(0, colon).ContainsAny(" \n'\"(");
            errors.Add(isClass ? new TraceError(whole[..colon], whole[(colon + 2)..], [.. frames])
                : whole.Contains(' ', StringComparison.Ordinal) ? new TraceError("", whole, [.. frames]) : new TraceError(whole.TrimEnd(':'), "", [.. frames]));
        }
        frames.Clear();
        message.Clear();
    }

    static string? Library(string file)
    {
        string path = file.Replace('\\', '/');
        foreach (string packages in (string[])["/site-packages/", "/dist-packages/"])
        {
            int at = path.LastIndexOf(packages, StringComparison.Ordinal);
            if (at >= 0)
            {
                string rest = path[(at + packages.Length)..];
                int slash = rest.IndexOf('/', StringComparison.Ordinal);
                return slash > 0 ? rest[..slash] : Path.GetFileNameWithoutExtension(rest);
            }
        }
        return path.StartsWith("<frozen", StringComparison.Ordinal) || StandardLibrary().IsMatch(path) ? "python" : null;
    }

    [GeneratedRegex("""^  File "(?<file>[^"]*)", line (?<line>\d+)(, in (?<function>.*))?$""", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex FrameLine();

    [GeneratedRegex(@"/lib(64)?/python\d[\d.]*/", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex StandardLibrary();
}

/// <summary>Reads what .NET's <c>Exception.ToString</c> prints.</summary>
static partial class DotNetTrace
{
    const int MostLines = 2000;

    /// <summary>The exceptions, the one that came out first.</summary>
    public static IReadOnlyList<TraceError> Read(string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").TrimEnd().Split('\n');
        int firstFrame = Array.FindIndex(lines, line => FrameLine().IsMatch(line));
        if (firstFrame < 0)
        {
            return [];
        }
        // Heads come first, outermost exception first; the frames follow in the opposite order, parted by a line each.
        string[] heads = string.Join('\n', lines.Take(firstFrame)).Split(" ---> ");
        List<List<TraceFrame>> stacks = [[]];
        foreach (string line in lines.Skip(firstFrame).Take(MostLines))
        {
            if (line.Contains("--- End of inner exception stack trace ---", StringComparison.Ordinal))
            {
                stacks.Add([]);
            }
            else if (FrameLine().Match(line) is { Success: true } match)
            {
                stacks[^1].Insert(0, Frame(match));
            }
        }
        return [.. heads.Select((head, index) => Error(head.Trim(), index < stacks.Count ? stacks[stacks.Count - 1 - index] : []))];
    }

    static TraceError Error(string head, List<TraceFrame> frames)
    {
        int colon = head.IndexOf(": ", StringComparison.Ordinal);
        bool isClass = colon > 0 && !head.AsSpan(0, colon).Contains(' ');
        return isClass ? new TraceError(head[..colon], head[(colon + 2)..].TrimEnd(), frames) : new TraceError("", head, frames);
    }

    static TraceFrame Frame(Match match)
    {
        string method = match.Groups["method"].Value, file = match.Groups["file"].Value;
        _ = int.TryParse(match.Groups["line"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int line);
        string root = method.Split('.', 2)[0];
        bool library = root is "System" or "Microsoft" || method.StartsWith("lambda_method", StringComparison.Ordinal);
        int call = method.IndexOf('(', StringComparison.Ordinal);
        string name = call < 0 ? method : method[..call];
        return file.Length > 0
            ? new TraceFrame(file, line, name, "", library ? root : null)
            : new TraceFrame(name, 0, call < 0 ? "" : method[call..], "", library ? root : null);
    }

    [GeneratedRegex(@"^   at (?<method>.+?)( in (?<file>.+):line (?<line>\d+))?$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex FrameLine();
}
