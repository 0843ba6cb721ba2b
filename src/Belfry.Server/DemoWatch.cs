using System.Text;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;
using Belfry.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server;

/// <summary>Watches the sample tasks as <c>belfry monitor status</c> would: one of them breaks its check every other time, and a mail tells so.</summary>
sealed partial class DemoWatch(RunLog log, BelfrySettings settings, AlertMailer mailer, TimeProvider clock, ILogger<DemoWatch> logger) : BackgroundService
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(20);
    static readonly TimeSpan Every = TimeSpan.FromSeconds(60);

    static readonly StatusDocument Document = StatusDocument.Read(
        Encoding.UTF8.GetBytes("""
            {
              "shop.orders.import": { "expected_statuses": ["Completed"], "lookback_hours": 0.1, "notify_to": ["orders@shop.example"] },
              "shop.feeds.fetch_prices": {
                "expected_statuses": ["Completed"], "lookback_hours": 1, "notify_to": ["prices@shop.example"],
                "dependent_tasks": ["shop.stock.sync", "shop.search.reindex"]
              }
            }
            """),
        "demo");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var call = new MonitorCall(_ => Task.FromResult(log.Queries), mailer, clock);
        var alerts = new StatusAlert(settings.Alerts, new AlertTemplates(settings.Alerts.Monitoring.Templates));
        await Task.Delay(First, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            foreach (MonitorResult told in (await call.StatusAsync(Document, alerts, dryRun: false, stoppingToken)).Where(result => result.Recipients.Count > 0))
            {
                LogTold(told.Subject ?? told.Task, string.Join(", ", told.Recipients));
            }
            await Task.Delay(Every, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(111, LogLevel.Information, "Told {Recipients}: {Subject}")]
    partial void LogTold(string subject, string recipients);
}
