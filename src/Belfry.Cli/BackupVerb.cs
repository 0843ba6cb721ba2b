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
        var progress = new LineProgress("copied");
        StoreBackup made = await StoreUpkeep.BackUpAsync(StoreUrl.Parse(Common.Settings(line).Store), file, progress, cancel);
        progress.End();
        Console.Out.WriteLine(line.GetValue(Json)
            ? JsonSerializer.Serialize(new { file = made.File, bytes = made.Bytes, ended_runs = made.EndedRuns, open_runs = made.OpenRuns })
            : $"{made.File}: {made.Bytes:N0} bytes, {made.EndedRuns:N0} ended and {made.OpenRuns:N0} open runs, looked through and whole");
        return Exits.Done;
    }
}

/// <summary>Says on a terminal how far a long work is; says nothing elsewhere.</summary>
sealed class LineProgress(string done) : IProgress<double>
{
    readonly bool _terminal = !Console.IsErrorRedirected;

    public void Report(double value)
    {
        if (_terminal)
        {
            Console.Error.Write($"\r{value,4:0%} {done}");
        }
    }

    /// <summary>The line is free again.</summary>
    public void End()
    {
        if (_terminal)
        {
            Console.Error.Write("\r\u001b[K");
        }
    }
}
