using System.CommandLine;
using System.Text.Json;
using Belfry.Server;
using Belfry.Storage;
using Belfry.Storage.Moving;

namespace Belfry.Cli;

/// <summary><c>belfry migrate</c>: the store's schema of this version, figures that agree with its rows, and the move to another store.</summary>
static class MigrateVerb
{
    static readonly Option<bool> Repair = new("--repair-rollups") { Description = "Make the figures anew from the runs, for hours whose runs are all still there; a server that writes the store waits meanwhile" };
    static readonly Option<string?> To = new("--to")
    {
        Description = "Copy the log into this store, which must be new or the begun copy of this log, and compare both; a copy that was stopped goes on",
        HelpName = "URL",
    };

    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "migrate", "Brings the store up to the schema of this version, or copies it into another",
        "belfry migrate --store sqlite:///var/lib/belfry/log.db", "belfry migrate --repair-rollups",
        "belfry migrate --store sqlite://belfry.db --to postgresql://belfry:secret@db/belfry") { To, Repair, Json }.Does(MigrateAsync);

    static async Task<int> MigrateAsync(ParseResult line, CancellationToken cancel)
    {
        StoreUrl store = StoreUrl.Parse(Common.Settings(line).Store);
        if (line.GetValue(To) is { } to)
        {
            return await CopyAsync(line, store, Target(line, to), cancel);
        }
        SchemaChange schema = await StoreUpkeep.MigrateAsync(store, cancel);
        RollupRepair? repair = line.GetValue(Repair) ? await StoreUpkeep.RepairRollupsAsync(store, cancel) : null;
        if (line.GetValue(Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                from = schema.From,
                to = schema.To,
                rollups = repair is null ? null : new { hours = repair.Hours, mended = repair.Mended, left_alone = repair.LeftAlone.Select(hour => hour.ToString()) },
            }));
            return Exits.Done;
        }
        Console.Out.WriteLine(schema.From == schema.To ? $"{store}: schema {schema.To}, up to date already" : $"{store}: schema {schema.From} brought up to {schema.To}");
        if (repair is not null)
        {
            Console.Out.WriteLine($"figures of {repair.Hours:N0} {(repair.Hours == 1 ? "hour" : "hours")} made anew, {repair.Mended:N0} cells mended");
            foreach (Instant hour in repair.LeftAlone)
            {
                Console.Out.WriteLine($"left alone, runs of it are deleted: {hour}");
            }
        }
        return Exits.Done;
    }

    static StoreUrl Target(ParseResult line, string to)
    {
        if (line.GetValue(Repair))
        {
            throw new UsageException("--repair-rollups mends a store, --to copies it: do one after the other.");
        }
        try
        {
            return StoreUrl.Parse(to);
        }
        catch (FormatException wrong)
        {
            throw new UsageException(wrong.Message);
        }
    }

    static async Task<int> CopyAsync(ParseResult line, StoreUrl from, StoreUrl to, CancellationToken cancel)
    {
        StoreCopy copy;
        try
        {
            copy = await ProgressBar.ShowAsync(["copying", "comparing"], bar => StoreUpkeep.CopyAsync(from, to, BelfryServer.Rooms, TimeProvider.System, new Told(bar), cancel));
        }
        catch (CopyRefusedException refused)
        {
            throw new DeclinedException(refused.Message);
        }
        if (line.GetValue(Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                from = from.Text,
                to = to.Text,
                tables = copy.Tables.Select(table => new { name = table.Name, rows = table.Rows, checksum = table.Checksum }),
            }));
            return Exits.Done;
        }
        foreach (CopiedTable table in copy.Tables.Where(table => table.Rows > 0))
        {
            Console.Out.WriteLine($"{table.Rows,14:N0}  {table.Name}");
        }
        Console.Error.WriteLine($"{to} is a whole copy of {from}: counts and checksums of {copy.Tables.Count} tables are the same. Next: belfry serve --store {to}");
        return Exits.Done;
    }

    sealed class Told(ProgressBar bar) : IProgress<CopyProgress>
    {
        public void Report(CopyProgress value) => bar.Tell((int)value.Phase, value.Share);
    }
}
