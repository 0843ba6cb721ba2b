using System.Globalization;
using System.Reflection;

namespace Belfry.Storage;

/// <summary>The numbered scripts that make tables, <c>001_….sql</c>, embedded in an assembly.</summary>
static class SchemaScripts
{
    /// <summary>All of an engine's schema, <c>ENGINE/Schema</c> of this assembly, in order.</summary>
    public static IEnumerable<(int Number, string Text)> Of(string engine) => In(typeof(SchemaScripts).Assembly, $".{engine}.Schema.");

    /// <summary>All of a folder, in order.</summary>
    public static IEnumerable<(int Number, string Text)> In(Assembly assembly, string folder)
    {
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.Contains(folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            string file = name[(name.IndexOf(folder, StringComparison.Ordinal) + folder.Length)..].TrimStart('_');
            yield return (int.Parse(file[..3], CultureInfo.InvariantCulture), reader.ReadToEnd());
        }
    }
}
