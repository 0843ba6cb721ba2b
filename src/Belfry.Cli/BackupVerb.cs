using System.CommandLine;
using System.Text.Json;
using Belfry.Storage;

namespace Belfry.Cli;

/// <summary><c>belfry backup</c>: a copy of the log, while a server writes it.</summary>
static class BackupVerb
{
    static readonly Argument<string> To = new("file") { Description = "The file to make; one that is there is never overwritten", HelpName = "FILE" };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "backup", "Copies the log of a running server into a file, and looks through the copy",
        "belfry backup /backup/belfry-friday.db --store sqlite:///var/lib/belfry/log.db") { To, Json }.Does(BackUpAsync);

    static async Task<int> BackUpAsync(ParseResult line, CancellationToken cancel)
    {
        string file = line.GetValue(To)!;
        if (File.Exists(file))
        {
            throw new DeclinedException($"{file} is there already; it stays as it is. Name another file.");
        }
        StoreUrl store = StoreUrl.Parse(Common.Settings(line).Store);
        StoreBackup made = await ProgressBar.ShowAsync(["copying"], bar => StoreUpkeep.BackUpAsync(store, file, bar.Of(0), cancel));
        Console.Out.WriteLine(line.GetValue(Json)
            ? JsonSerializer.Serialize(new { file = made.File, bytes = made.Bytes, ended_runs = made.EndedRuns, open_runs = made.OpenRuns })
            : $"{made.File}: {made.Bytes:N0} bytes, {made.EndedRuns:N0} ended and {made.OpenRuns:N0} open runs, looked through and whole");
        return Exits.Done;
    }
}
