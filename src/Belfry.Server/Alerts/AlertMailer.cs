using Belfry.Mail;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Alerts;

/// <summary>Sends alerts as mail. What cannot be told is never lost: it goes to the error log, whole.</summary>
public sealed partial class AlertMailer(MailSettings settings, TimeProvider clock, ILogger<AlertMailer> logger)
{
    readonly MailSender _sender = new(settings, clock);

    /// <summary>Sends one alert. A failure is an outcome here, not an exception: other alerts are waiting.</summary>
    public async Task<AlertDelivery> SendAsync(Alert alert, CancellationToken cancel)
    {
        if (alert.Recipients.Count == 0)
        {
            LogNobody(alert.Nobody, alert.Subject, alert.Text);
            return new AlertDelivery([], alert.Nobody);
        }
        var mail = new OutgoingMail
        {
            To = alert.Hidden ? [] : alert.Recipients,
            Bcc = alert.Hidden ? alert.Recipients : [],
            Subject = alert.Subject,
            Text = alert.Text,
            Html = alert.Html,
        };
        try
        {
            return Told(alert, await _sender.SendAsync(mail, cancel));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotSent(alert.Task, e.Message, alert.Subject, alert.Text);
            return new AlertDelivery([], $"the mail about task '{alert.Task}' was not sent: {e.Message}");
        }
    }

    AlertDelivery Told(Alert alert, MailReceipt receipt)
    {
        if (receipt.Refused.Count == 0)
        {
            return new AlertDelivery(receipt.Accepted, null);
        }
        string refused = string.Join("; ", receipt.Refused.Select(one => $"{one.Address}: {one.Reason}"));
        LogRefused(alert.Task, refused);
        return new AlertDelivery(receipt.Accepted, $"the mail about task '{alert.Task}' was refused for {refused}");
    }

    [LoggerMessage(411, LogLevel.Error, "{Problem}. The mail would have been: {Subject}\n{Text}")]
    partial void LogNobody(string problem, string subject, string text);

    [LoggerMessage(412, LogLevel.Error, "The mail about task '{Task}' was not sent: {Problem}. It was: {Subject}\n{Text}")]
    partial void LogNotSent(string task, string problem, string subject, string text);

    [LoggerMessage(413, LogLevel.Error, "The mail about task '{Task}' was refused for {Refused}")]
    partial void LogRefused(string task, string refused);
}

/// <summary>What became of an alert.</summary>
/// <param name="Recipients">Who was told.</param>
/// <param name="Problem">What went wrong, or null.</param>
public sealed record AlertDelivery(IReadOnlyList<string> Recipients, string? Problem);
