using System.CommandLine;
using System.CommandLine.Parsing;
using Belfry.Server;

namespace Belfry.Cli;

/// <summary>The options that every verb has.</summary>
static class Common
{
    /// <summary>The settings file.</summary>
    public static Option<string?> Config { get; } = new("--config")
    {
        Description = "The settings file (default: belfry.json in the working directory, where there is one)",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>The log.</summary>
    public static Option<string?> Store { get; } = new("--store")
    {
        Description = "The log: sqlite://PATH, absolute with three slashes, postgresql://USER:PASSWORD@HOST/DATABASE or memory: (default: sqlite://belfry.db)",
        HelpName = "URL",
        Recursive = true,
    };

    /// <summary>Data as JSON instead of for people; a verb that has data adds it.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON" };

    /// <summary>Reads words that stand for the values of an enum, in any case; another word is told with those that are known.</summary>
    public static T[] Named<T>(ArgumentResult words)
        where T : struct, Enum
    {
        string[] known = Enum.GetNames<T>();
        foreach (string word in words.Tokens.Select(token => token.Value).Where(word => !known.Contains(word, StringComparer.OrdinalIgnoreCase)))
        {
            words.AddError($"'{word}' is not known here; use {string.Join(", ", known).ToLowerInvariant()}.");
            return [];
        }
        return [.. words.Tokens.Select(token => Enum.Parse<T>(token.Value, ignoreCase: true))];
    }

    /// <summary>The settings in force for this line.</summary>
    /// <exception cref="SettingsException">Values are wrong.</exception>
    public static BelfrySettings Settings(ParseResult line, params (string Key, string? Value)[] options) => Settings(line, demo: false, options);

    /// <summary>The settings in force for this line.</summary>
    /// <exception cref="SettingsException">Values are wrong.</exception>
    public static BelfrySettings Settings(ParseResult line, bool demo, params (string Key, string? Value)[] options)
    {
        IEnumerable<(string Key, string? Value)> all = [("Store", line.GetValue(Store)), .. options];
        return BelfrySettings.Load(
            line.GetValue(Config), all.Where(option => option.Value is not null).Select(option => KeyValuePair.Create(option.Key, option.Value)), demo);
    }
}
