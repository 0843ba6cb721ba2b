using Belfry.Server.Checks;
using Belfry.Storage;

namespace Belfry.Server.Alerts;

/// <summary>One call of a monitor: judges checks now, and tells each time. It keeps nothing, so the next call tells again.</summary>
/// <param name="open">Opens the log; asked once. If it cannot, every check is unknown, and people are told all the same.</param>
/// <param name="mailer">Sends the alerts.</param>
/// <param name="clock">Tells now, read once for all checks of a call.</param>
public sealed class MonitorCall(Func<CancellationToken, Task<RunQueries>> open, AlertMailer mailer, TimeProvider clock)
{
    /// <summary>Runs a Task Status Monitoring configuration.</summary>
    /// <param name="document">The configuration; entries with mistakes come back as <see cref="MonitorOutcome.NotChecked"/>.</param>
    /// <param name="alerts">Writes the mails.</param>
    /// <param name="dryRun">Send nothing.</param>
    /// <param name="cancel">Stops between two checks.</param>
    public async Task<IReadOnlyList<MonitorResult>> StatusAsync(StatusDocument document, StatusAlert alerts, bool dryRun, CancellationToken cancel)
    {
        Check[] checks = [.. document.Tasks.Select(entry => entry.Check).OfType<Check>()];
        var results = new Queue<MonitorResult>(await RunAsync(checks, alerts.Compose, dryRun, cancel));
        return [.. document.Tasks.Select(entry => entry.Check is null ? MonitorResult.NotChecked(entry) : results.Dequeue())];
    }

    /// <summary>Judges checks, and tells of those that do not hold.</summary>
    /// <param name="checks">The checks.</param>
    /// <param name="compose">Writes the alert of one that does not hold.</param>
    /// <param name="dryRun">Send nothing.</param>
    /// <param name="cancel">Stops between two checks.</param>
    public async Task<IReadOnlyList<MonitorResult>> RunAsync(
        IReadOnlyList<Check> checks, Func<Check, Verdict, Alert> compose, bool dryRun, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        (RunQueries? queries, string problem) = await OpenAsync(cancel);
        var results = new List<MonitorResult>();
        foreach (Check check in checks)
        {
            Verdict verdict = queries is null ? Verdict.Unreachable(problem, now) : await JudgeAsync(check, queries, now, cancel);
            results.Add(verdict.State == CheckState.Ok ? MonitorResult.Ok(check, verdict) : await TellAsync(check, verdict, compose(check, verdict), dryRun, cancel));
        }
        return results;
    }

    async Task<(RunQueries? Queries, string Problem)> OpenAsync(CancellationToken cancel)
    {
        try
        {
            return (await open(cancel), "");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return (null, e.Message);
        }
    }

    static async Task<Verdict> JudgeAsync(Check check, RunQueries queries, Instant now, CancellationToken cancel)
    {
        try
        {
            CheckHistory history = await new CheckHistoryReader(queries).ReadAsync(check, now, cancel);
            return CheckEvaluator.Evaluate(check, history, now);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, the other tasks are still to be checked.
            return Verdict.Unreachable(e.Message, now);
        }
    }

    async Task<MonitorResult> TellAsync(Check check, Verdict verdict, Alert alert, bool dryRun, CancellationToken cancel)
    {
        if (dryRun)
        {
            return MonitorResult.Of(check, verdict, MonitorOutcome.DryRun, alert.Subject, alert.Recipients, alert.Recipients.Count == 0 ? alert.Nobody : null);
        }
        AlertDelivery delivery = await mailer.SendAsync(alert, cancel);
        MonitorOutcome outcome = delivery.Recipients.Count > 0 ? MonitorOutcome.Alerted : MonitorOutcome.NobodyTold;
        return MonitorResult.Of(check, verdict, outcome, alert.Subject, delivery.Recipients, delivery.Problem);
    }
}
