using System.CommandLine;
using Belfry.Server;
using Belfry.Server.Alerts;
using Belfry.Storage;
using Microsoft.Extensions.Logging;

namespace Belfry.Cli;

/// <summary><c>belfry monitor</c>: checks tasks once, now, and tells by mail of those that are not well.</summary>
static class MonitorVerbs
{
    public static Option<bool> DryRun() => new("--dry-run") { Description = "Send no mail; show who would have got one" };

    public static Verb Build()
    {
        var monitor = new Verb("monitor", "Checks tasks now, and sends mail about those that are not well (exit code 0 OK, 1 warning, 2 critical, 3 unknown)") { IsPlugin = true };
        monitor.Add(MonitorStatusVerb.Build());
        monitor.Add(MonitorLatestRunVerb.Build());
        return monitor;
    }

    /// <summary>Makes one call against the log of the settings, prints its results and gives the exit code.</summary>
    /// <remarks>The log is only read, beside a running server; when it is out of reach people are told all the same.</remarks>
    public static async Task<int> CallAsync(
        BelfrySettings settings, bool json, Func<MonitorCall, Task<IReadOnlyList<MonitorResult>>> call)
    {
        using ILoggerFactory loggers = LoggerFactory.Create(log => log.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var mailer = new AlertMailer(settings.Mail, TimeProvider.System, loggers.CreateLogger<AlertMailer>());
        RunQueries? queries = null;
        try
        {
            var monitor = new MonitorCall(
                async cancel => queries = await RunQueries.OpenAsync(StoreUrl.Parse(settings.Store), TimeProvider.System, cancel), mailer, TimeProvider.System);
            return MonitorReport.Print(await call(monitor), json, Console.Out, Console.Error);
        }
        finally
        {
            queries?.Dispose();
        }
    }
}
