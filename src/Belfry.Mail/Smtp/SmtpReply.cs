namespace Belfry.Mail;

/// <summary>A server's reply: its code and all its lines.</summary>
/// <param name="Code">200 to 599.</param>
/// <param name="Lines">The texts behind the code, without line ends.</param>
sealed record SmtpReply(int Code, IReadOnlyList<string> Lines)
{
    // What a reply may cost us in memory and in a log line.
    const int ShownLimit = 500;

    public bool IsPositive => Code is >= 200 and < 300;

    /// <summary>A 5xx: the same again will be refused again.</summary>
    public bool IsPermanent => Code >= 500;

    /// <summary>The reply on one line, cut where it is long.</summary>
    public override string ToString() => Excerpt.Of(MailHeader.Clean($"{Code} {string.Join(' ', Lines)}"), ShownLimit);
}
