using System.CommandLine;
using Belfry.Server;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;

namespace Belfry.Cli;

/// <summary><c>belfry monitor status FILE</c>: runs a Task Status Monitoring configuration.</summary>
static class MonitorStatusVerb
{
    static readonly Argument<string> File = new("FILE") { Description = "The configuration: a JSON dictionary of tasks, bare or as the only element of an array" };
    static readonly Option<bool> DryRun = MonitorVerbs.DryRun();
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "status", "Runs a Task Status Monitoring configuration: has each task an expected status?",
        "belfry monitor status pipeline.json",
        "belfry monitor status pipeline.json --dry-run --json") { File, DryRun, Json }.Does(CheckAsync);

    static async Task<int> CheckAsync(ParseResult line, CancellationToken cancel)
    {
        BelfrySettings settings = Common.Settings(line);
        StatusDocument document = (await ReadAsync(line.GetValue(File)!, cancel)).AnswerableFrom(settings.Retention.ToPolicy());
        var alerts = new StatusAlert(settings.Alerts, new AlertTemplates(settings.Alerts.Monitoring.Templates));
        return await MonitorVerbs.CallAsync(settings, line.GetValue(Json), monitor => monitor.StatusAsync(document, alerts, line.GetValue(DryRun), cancel));
    }

    static async Task<StatusDocument> ReadAsync(string file, CancellationToken cancel)
    {
        try
        {
            return StatusDocument.Read(await System.IO.File.ReadAllBytesAsync(file, cancel), Path.GetFileName(file));
        }
        catch (FormatException e)
        {
            throw new UsageException($"{file}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{file} cannot be read: {e.Message}");
        }
    }
}
