namespace Belfry.Mail;

/// <summary>Makes mails of records. A user's own template that fails on some record is replaced by ours: the mail must leave.</summary>
sealed class ErrorMailTemplates(ErrorMailOptions options, string application)
{
    const int LongestSubject = 200;

    readonly MailTemplate _subject = new(options.Subject, html: false), _text = new(options.Text, html: false);
    readonly MailTemplate? _html = options.Html.Length == 0 ? null : new(options.Html, html: true);

    /// <summary>The mail of some records, at least one.</summary>
    public OutgoingMail Write(IReadOnlyList<ErrorRecord> records, long dropped)
    {
        Dictionary<string, object?> values = records.MaxBy(record => record.Level)!.ToValues();
        values["records"] = records.Select(record => record.ToValues()).ToList();
        values["count"] = records.Count;
        values["several"] = records.Count > 1;
        values["minLevel"] = records.Min(record => record.Level).ToString();
        values["maxLevel"] = records.Max(record => record.Level).ToString();
        values["host"] = Environment.MachineName;
        values["application"] = application;
        values["dropped"] = dropped == 0 ? null : dropped;
        string subject = Filled(_subject, new ErrorMailOptions().Subject, html: false, values);
        return new OutgoingMail
        {
            Bcc = [.. options.To],
            Subject = Excerpt.Of(subject, LongestSubject),
            Text = Filled(_text, BuiltIn("error_mail.txt"), html: false, values),
            Html = _html is null ? null : Filled(_html, BuiltIn("error_mail.html"), html: true, values),
        };
    }

    /// <summary>The template that comes with Belfry.</summary>
    public static string BuiltIn(string name)
    {
        using Stream file = typeof(ErrorMailTemplates).Assembly.GetManifestResourceStream($"Belfry.Mail.Errors.Templates.{name}")!;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    /// <summary>What is wrong with the templates.</summary>
    public static IEnumerable<string> Problems(ErrorMailOptions options) =>
        new[] { ("Subject", options.Subject, false), ("Text", options.Text, false), ("Html", options.Html, true) }.Select(ProblemOf).OfType<string>();

    static string? ProblemOf((string Name, string Text, bool Html) template)
    {
        try
        {
            new MailTemplate(template.Text, template.Html).Render(new Dictionary<string, object?>());
            return null;
        }
        catch (MailTemplateException wrong)
        {
            return $"{template.Name}: {wrong.Message}";
        }
    }

    static string Filled(MailTemplate template, string ours, bool html, Dictionary<string, object?> values)
    {
        try
        {
            return template.Render(values);
        }
        catch (MailTemplateException)
        {
            return new MailTemplate(ours, html).Render(values);
        }
    }
}
