using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Belfry.Server;

namespace Belfry.Cli;

/// <summary><c>belfry doctor</c>: what is wrong here, and how to mend it.</summary>
static class DoctorVerb
{
    static readonly Option<bool> Json = Common.Json();
    static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Verb Build() => new Verb(
        "doctor", "Looks at store, brokers, workers, mail and clock; exit code 1 when something is wrong",
        "belfry doctor --store sqlite:///var/lib/belfry/log.db", "belfry doctor --broker redis://localhost:6379/0") { Json, ClusterOptions.Brokers, ClusterOptions.Backends }.Does(ExamineAsync);

    static async Task<int> ExamineAsync(ParseResult line, CancellationToken cancel)
    {
        BelfrySettings settings = Common.Settings(line, [.. ClusterOptions.Named(line)]);
        IReadOnlyList<Finding> findings = await new Doctor(settings, TimeProvider.System).ExamineAsync(cancel);
        int problems = findings.Count(finding => finding.Level == FindingLevel.Problem);
        if (line.GetValue(Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { problems, findings = findings.Select(found => new { level = found.Level.ToString().ToLowerInvariant(), subject = found.Subject, place = found.Place, facts = found.Facts, mend = found.Mend }) },
                Readable));
        }
        else
        {
            Print(findings, problems);
        }
        return problems == 0 ? Exits.Done : Exits.No;
    }

    static void Print(IReadOnlyList<Finding> findings, int problems)
    {
        foreach (Finding found in findings)
        {
            string sign = found.Level switch { FindingLevel.Well => "✓", FindingLevel.Problem => "✖", _ => "·" };
            Console.Out.WriteLine($"{sign} {found.Subject,-9}  {string.Join("   ", new[] { found.Place, found.Facts }.Where(part => part.Length > 0))}");
            if (found.Mend is not null)
            {
                Console.Out.WriteLine($"             Mend: {found.Mend}");
            }
        }
        Console.Error.WriteLine();
        Console.Error.WriteLine($"{(problems switch { 0 => "All is well", 1 => "1 problem", _ => $"{problems} problems" })}. belfry doctor --json for machines.");
    }
}
