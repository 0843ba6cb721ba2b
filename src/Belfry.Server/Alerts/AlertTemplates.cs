using System.Collections.Concurrent;
using Belfry.Mail;

namespace Belfry.Server.Alerts;

/// <summary>The templates of mails: those that come with Belfry, or a user's own from a folder.</summary>
public sealed class AlertTemplates(string folder)
{
    /// <summary>Names of the templates; in <c>.txt</c> nothing is escaped, elsewhere everything for HTML.</summary>
    public static IReadOnlyList<string> Names { get; } = ["task_status_alert.html", "task_status_alert.txt"];

    readonly ConcurrentDictionary<string, MailTemplate> _compiled = new(StringComparer.Ordinal);

    /// <summary>Fills a template. A user's own that fails now, having been well at the start, is replaced by ours: the alert must leave.</summary>
    public string Render(string name, IReadOnlyDictionary<string, object?> values)
    {
        try
        {
            return _compiled.GetOrAdd(name, key => Compile(key, Text(key))).Render(values);
        }
        catch (Exception e) when (folder.Length > 0 && IsOfTemplate(e))
        {
            return Compile(name, BuiltIn(name)).Render(values);
        }
    }

    /// <summary>The template that comes with Belfry.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static string BuiltIn(string name)
    {
        using Stream file = typeof(AlertTemplates).Assembly.GetManifestResourceStream($"Belfry.Server.Alerts.Templates.{name}")
            ?? throw new ArgumentException($"there is no template {name}", nameof(name));
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    internal static IEnumerable<string> Problems(string folder)
    {
        if (folder.Length == 0)
        {
            return [];
        }
        if (!Directory.Exists(folder))
        {
            return [$"there is no folder '{folder}'"];
        }
        var templates = new AlertTemplates(folder);
        return Names.Select(templates.ProblemOf).OfType<string>();
    }

    string? ProblemOf(string name)
    {
        try
        {
            Compile(name, Text(name)).Render(new Dictionary<string, object?>());
            return null;
        }
        catch (Exception e) when (IsOfTemplate(e))
        {
            return $"{name}: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    string Text(string name)
    {
        string own = Path.Combine(folder, name);
        return folder.Length > 0 && File.Exists(own) ? File.ReadAllText(own) : BuiltIn(name);
    }

    static bool IsOfTemplate(Exception e) => e is MailTemplateException or IOException or UnauthorizedAccessException;

    static MailTemplate Compile(string name, string text) => new(text, html: !name.EndsWith(".txt", StringComparison.Ordinal));
}
