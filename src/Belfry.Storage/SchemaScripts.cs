using System.Globalization;
using System.Reflection;

namespace Belfry.Storage;

/// <summary>The numbered scripts of an engine's schema, <c>ENGINE/Schema/001_….sql</c>, that lie within this assembly.</summary>
static class SchemaScripts
{
    /// <summary>All of an engine, in order.</summary>
    public static IEnumerable<(int Number, string Text)> Of(string engine)
    {
        Assembly assembly = typeof(SchemaScripts).Assembly;
        string folder = $".{engine}.Schema.";
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.Contains(folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            string file = name[(name.IndexOf(folder, StringComparison.Ordinal) + folder.Length)..].TrimStart('_');
            yield return (int.Parse(file[..3], CultureInfo.InvariantCulture), reader.ReadToEnd());
        }
    }
}
