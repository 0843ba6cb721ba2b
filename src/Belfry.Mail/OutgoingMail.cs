namespace Belfry.Mail;

/// <summary>A mail on its way out.</summary>
public sealed record OutgoingMail
{
    /// <summary>Who is told openly.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>Who is told without the others seeing it: never in the headers.</summary>
    public IReadOnlyList<string> Bcc { get; init; } = [];

    /// <summary>The subject; line ends and other control characters become spaces.</summary>
    public required string Subject { get; init; }

    /// <summary>The body in plain text.</summary>
    public required string Text { get; init; }

    /// <summary>The body in HTML; null for a mail in plain text only.</summary>
    public string? Html { get; init; }

    /// <summary>The left part of the Message-ID, the same in every try to deliver this mail; by default a new one.</summary>
    public string Id { get; init; } = Guid.NewGuid().ToString("N");
}

/// <summary>Who a mail reached.</summary>
/// <param name="Accepted">Addresses that the server took.</param>
/// <param name="Refused">Those it did not.</param>
public sealed record MailReceipt(IReadOnlyList<string> Accepted, IReadOnlyList<RefusedRecipient> Refused);

/// <summary>An address that a server did not take.</summary>
/// <param name="Address">The address.</param>
/// <param name="Reason">The server's words.</param>
/// <param name="Permanent">Trying again will not help.</param>
public sealed record RefusedRecipient(string Address, string Reason, bool Permanent);

/// <summary>A mail reached nobody. The message is for an operator and never holds a password.</summary>
/// <param name="message">What happened, beginning with the server.</param>
/// <param name="permanent">Trying again will not help; otherwise it is worth a retry.</param>
/// <param name="inner">The cause.</param>
public sealed class MailException(string message, bool permanent, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Trying again will not help: a 5xx reply, a wrong password or certificate, a missing setting. Otherwise (4xx, network) it may.</summary>
    public bool Permanent => permanent;

    /// <summary>Recipients refused one by one, when that was the cause.</summary>
    public IReadOnlyList<RefusedRecipient> Refused { get; init; } = [];
}
