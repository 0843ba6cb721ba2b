using Microsoft.Extensions.Logging;

namespace Belfry.Mail;

/// <summary>Which log records are mailed, to whom, and how they look.</summary>
/// <remarks>
/// Templates are Handlebars'. Values: <c>level</c>, <c>category</c>, <c>message</c> (formatted), <c>exception</c> (with its trace), <c>error</c> (its
/// message alone), <c>time</c>, <c>event</c> of a record; <c>records</c>, a list of such; <c>count</c>, <c>several</c>, <c>minLevel</c>, <c>maxLevel</c>, <c>host</c>,
/// <c>application</c>, <c>dropped</c> (records that were not mailed since the last mail) of the mail. Outside of <c>records</c> a record's values are those of
/// the first of the highest level.
/// </remarks>
public sealed class ErrorMailOptions
{
    /// <summary>How mail leaves.</summary>
    public MailSettings Mail { get; set; } = new();

    /// <summary>Who is told; at least one, nobody by default.</summary>
    public IList<string> To { get; set; } = [];

    /// <summary>The lowest level that is mailed; <c>Error</c> by default.</summary>
    public LogLevel Level { get; set; } = LogLevel.Error;

    /// <summary>How many records make a mail; 1 by default. Null: a mail is only sent by <see cref="ErrorMailProvider.FlushAsync"/> and at the end.</summary>
    public int? RecordsPerMail { get; set; } = 1;

    /// <summary>How many records wait at most while no mail can be sent; 1,000 by default. What is beyond is counted, and the next mail tells how many.</summary>
    public int MostWaiting { get; set; } = 1000;

    /// <summary>The template of the subject; by default level and message of a record, or how many there are and of which levels. Line ends and other control characters in it become spaces.</summary>
    public string Subject { get; set; } = "{{#if several}}{{count}} records, {{minLevel}} to {{maxLevel}}{{else}}{{level}}: {{message}}{{/if}}";

    /// <summary>The template of the plain text; Belfry's own by default.</summary>
    public string Text { get; set; } = ErrorMailTemplates.BuiltIn("error_mail.txt");

    /// <summary>The template of the HTML, in which every value is escaped; Belfry's own by default, none when empty.</summary>
    public string Html { get; set; } = ErrorMailTemplates.BuiltIn("error_mail.html");

    /// <summary>What is wrong with the values; nothing when all is well.</summary>
    public IEnumerable<string> Problems() =>
    [
        .. Mail.Problems().Select(problem => $"{problem.Key} {problem.Problem}"),
        .. Mail.CanSend ? Array.Empty<string>() : ["no mail can be sent: set Mail.Host, or Mail.Folder to write files"],
        .. To.Count == 0 ? ["To names nobody"] : Array.Empty<string>(),
        .. To.Where(address => !Mailbox.TryParse(address, out _)).Select(address => $"'{address}' in To is no address"),
        .. RecordsPerMail < 1 ? ["RecordsPerMail must be 1 or more; null sends only when flushed"] : Array.Empty<string>(),
        .. MostWaiting < Math.Max(1, RecordsPerMail ?? 1) ? ["MostWaiting must not be less than RecordsPerMail"] : Array.Empty<string>(),
        .. ErrorMailTemplates.Problems(this),
    ];
}
