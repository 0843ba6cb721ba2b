using System.CommandLine;
using System.Text.Json;
using Belfry.Storage;

namespace Belfry.Cli;

/// <summary><c>belfry migrate</c>: the store's schema of this version, and figures that agree with its rows.</summary>
static class MigrateVerb
{
    static readonly Option<bool> Repair = new("--repair-rollups") { Description = "Make the figures anew from the runs, for hours whose runs are all still there; a server that writes the store waits meanwhile" };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "migrate", "Brings the store up to the schema of this version",
        "belfry migrate --store sqlite:///var/lib/belfry/log.db", "belfry migrate --repair-rollups") { Repair, Json }.Does(MigrateAsync);

    static async Task<int> MigrateAsync(ParseResult line, CancellationToken cancel)
    {
        StoreUrl store = StoreUrl.Parse(Common.Settings(line).Store);
        SchemaChange schema = await StoreUpkeep.MigrateAsync(store, cancel);
        RollupRepair? repair = line.GetValue(Repair) ? await StoreUpkeep.RepairRollupsAsync(store, TimeProvider.System, cancel) : null;
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
}
