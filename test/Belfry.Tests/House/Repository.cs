using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.Tests.House;

/// <summary>The files of the repository as they lie here, without what was built or fetched.</summary>
static partial class Repository
{
    static readonly string[] Made = [".git", "artifacts", "bin", "dist", "node_modules", "obj", ".vs", ".idea"];

    /// <summary>All files, by their path from the root, with forward slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(Machine.Root).Select(path => Path.GetRelativePath(Machine.Root, path)).Order(StringComparer.Ordinal)];

    /// <summary>A file's text.</summary>
    public static string Read(string file) => File.ReadAllText(Path.Combine(Machine.Root, file));

    /// <summary>A file of C# or Razor without its comments, whose words are no arrows.</summary>
    public static string ReadCode(string file) => Comment().Replace(Read(file), "");

    /// <summary>The rows of a table of a page whose first column has this head, without the head: names in backticks only.</summary>
    public static IReadOnlyDictionary<string, string[]> Table(string page, string head) =>
        Read(page).Split('\n')
            .SkipWhile(line => !line.StartsWith($"| {head} |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|'))
            .ToDictionary(cells => Names(cells[1]).Single(), cells => Names(cells[^2]));

    static string[] Names(string cell) => [.. Backticked().Matches(cell).Select(match => match.Groups["name"].Value)];

    static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFileSystemEntries(folder)
            .Where(entry => !Made.Contains(Path.GetFileName(entry)))
            .SelectMany(entry => Directory.Exists(entry) ? Walk(entry) : [entry]);

    [GeneratedRegex(@"^\s*//[^\n]*$|@\*.*?\*@", RegexOptions.Multiline | RegexOptions.Singleline, 1000)]
    private static partial Regex Comment();

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.None, 1000)]
    private static partial Regex Backticked();
}
