using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Belfry.Server;

/// <summary>Where settings come from: a file, then variables, then options.</summary>
static class SettingsFile
{
    const string Prefix = "BELFRY__";

    /// <summary>Reads all of them.</summary>
    /// <exception cref="SettingsException">The file is missing, or it is no JSON.</exception>
    public static IConfigurationRoot Build(string file, bool required, IEnumerable<KeyValuePair<string, string?>> options)
    {
        string path = Path.GetFullPath(file);
        if (required && !File.Exists(path))
        {
            throw Wrong(file, "is not there");
        }
        try
        {
            return new ConfigurationBuilder().AddJsonFile(path, optional: true).AddEnvironmentVariables(Prefix).AddInMemoryCollection(options).Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw Wrong(file, Reason(e));
        }
    }

    static string Reason(Exception e)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is JsonException { LineNumber: { } line, BytePositionInLine: { } column } json)
            {
                return $"line {line + 1}, column {column + 1}: {json.Message.Split(". ", 2)[0].Split(" LineNumber")[0]}";
            }
        }
        return (e.InnerException ?? e).Message;
    }

    static SettingsException Wrong(string file, string problem) => new([new SettingProblem(file, problem)]);
}
