using System.CommandLine;
using System.Globalization;
using Belfry.Server;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;

namespace Belfry.Cli;

/// <summary><c>belfry monitor latest-run</c>: FlexMeasures' check, also called <c>monitor tasks</c>.</summary>
static class MonitorLatestRunVerb
{
    // Ten years.
    const double MostMinutes = 5_256_000;

    static readonly Option<string[]> Task = new("--task")
    {
        Description = "A task, and how many minutes ago its last run may have ended (repeatable)",
        HelpName = "NAME MINUTES",
        Required = true,
        Arity = new ArgumentArity(2, 10_000),
        AllowMultipleArgumentsPerToken = true,
    };

    static readonly Option<string> By = new Option<string>("--by")
    {
        Description = "Judge by the last run, which must not have failed either, or by the last success",
        DefaultValueFactory = _ => "run",
    }.AcceptOnlyFromAmong("run", "success");

    static readonly Option<string[]> Recipient = new("--recipient") { Description = "Who is told (repeatable; default: Monitoring:Recipients, else Administrators)", HelpName = "ADDRESS" };
    static readonly Option<string> CustomMessage = new("--custom-message") { Description = "A note at the end of each mail", HelpName = "TEXT", DefaultValueFactory = _ => "" };
    static readonly Option<bool> DryRun = MonitorVerbs.DryRun();
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build()
    {
        var verb = new Verb(
            "latest-run", "Has each task run in its last so many minutes, and did it succeed? (also: monitor tasks)",
            "belfry monitor latest-run --task get_weather_forecasts 60 --task get_recent_meter_data 6 --task import_epex_prices 1440",
            "belfry monitor latest-run --task import_epex_prices 1440 --by success --recipient ops@example.com --custom-message 'See the runbook'")
        {
            Task, By, Recipient, CustomMessage, DryRun, Json,
        };
        verb.Aliases.Add("tasks");
        return verb.Does(CheckAsync);
    }

    static Task<int> CheckAsync(ParseResult line, CancellationToken cancel)
    {
        Check[] checks = [.. Checks(line.GetValue(Task)!, line.GetValue(By) == "success" ? AgeOf.Success : AgeOf.Run)];
        string[] recipients = [.. (line.GetValue(Recipient) ?? []).Select(Address)];
        BelfrySettings settings = Common.Settings(line);
        var alerts = new LatestRunAlert(settings.Alerts, recipients, line.GetValue(CustomMessage)!);
        return MonitorVerbs.CallAsync(settings, line.GetValue(Json), monitor => monitor.RunAsync(checks, alerts.Compose, line.GetValue(DryRun), cancel));
    }

    static IEnumerable<Check> Checks(string[] words, AgeOf of)
    {
        foreach (string[] pair in words.Chunk(2))
        {
            if (pair.Length < 2)
            {
                throw new UsageException($"--task {pair[0]}: the minutes are missing; use --task NAME MINUTES");
            }
            if (!double.TryParse(pair[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double minutes) || minutes is not (> 0 and <= MostMinutes))
            {
                throw new UsageException($"--task {pair[0]} {pair[1]}: minutes must be a number, more than 0 and at most {MostMinutes:0}");
            }
            yield return new Check { Name = $"latest-run: {pair[0]}", Task = pair[0], Expects = new AgeExpectation(of, TimeSpan.FromMinutes(minutes)) };
        }
    }

    static string Address(string text)
    {
        if (text.Length > 0 && text.All(char.IsAsciiDigit))
        {
            throw new UsageException($"--recipient {text}: Belfry has no user ids yet; name the user's address");
        }
        return AlertSettings.IsAddress(text) ? text : throw new UsageException($"--recipient {text} is neither a valid user id nor an address");
    }
}
