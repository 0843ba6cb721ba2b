using System.Globalization;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>Plays scenarios; with the full counts it leaves a table of what came out.</summary>
static class GapPlay
{
    static readonly Lock OneAtATime = new();

    static readonly string Only = Environment.GetEnvironmentVariable("BELFRY_SOAK_ONLY") ?? "";

    /// <summary>The scenarios that this run plays, on one of the brokers.</summary>
    public static TheoryData<string> Of(bool rabbit) =>
        [.. GapScenarios.All.Where(scenario => scenario.OnRabbit == rabbit && (scenario.Always || Soak.On) && scenario.Name.Contains(Only, StringComparison.Ordinal)).Select(scenario => scenario.Name)];

    /// <summary>Plays one: in the end nothing is wrong, and nothing is missing that could have been found out.</summary>
    public static async Task PlayAsync(string name, SharedRabbit shared)
    {
        GapScenario scenario = GapScenarios.All.Single(one => one.Name == name);
        await using GapSite site = await GapSite.StartAsync(scenario, shared);
        await scenario.Play(site);
        GapFigures figures = await site.FinishAsync(TimeSpan.FromSeconds(Soak.Count(45, 240)));
        string line = string.Create(CultureInfo.InvariantCulture, $"| {name} | {figures.Runs} | {figures.Right} | {figures.Missing} | {figures.Untold} | {figures.Attempt} | {figures.Wrong.Count} | {site.RightAfter:0.0} s{(site.LostSeconds is { } lost ? $", Lost {lost:0} s" : "")} | {scenario.Measured} |");
        TestContext.Current.SendDiagnosticMessage(line);
        Keep(line, figures);
        Assert.True(!scenario.LosesNothing || site.FalselyLost.Count == 0, $"{line}\nLost for a time: {string.Join(", ", site.FalselyLost)}");
        Assert.True(figures.Wrong.Count == 0, $"{line}\n{string.Join('\n', figures.Wrong)}\n{site.Belfry.Server.Process.Errors}");
    }

    static void Keep(string line, GapFigures figures)
    {
        if (Soak.On)
        {
            string folder = Path.Combine(Machine.Root, "artifacts", "soak");
            lock (OneAtATime)
            {
                Directory.CreateDirectory(folder);
                File.AppendAllLines(Path.Combine(folder, "gaps.md"), [line]);
                File.AppendAllLines(Path.Combine(folder, "gaps-wrong.txt"), [line, .. figures.Wrong]);
            }
        }
    }
}
