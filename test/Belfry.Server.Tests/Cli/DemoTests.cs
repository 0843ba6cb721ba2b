using System.Text.Json;
using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.Server.Tests.Cli;

public sealed partial class DemoTests
{
    [Fact]
    public async Task The_demo_shows_every_kind_of_run_and_tells_of_a_broken_check()
    {
        using TempFolder folder = new();
        await using BelfryProcess demo = await BelfryProcess.ServeAsync(["--demo"], folder.Path);
        await Eventually.HoldsAsync("runs that fail, are retried, hang, are skipped and succeed", async () =>
        {
            string[] seen = [.. (await RunsAsync(demo, "limit=200")).Select(run => run.GetProperty("state").GetString()!).Distinct()];
            return new[] { "Completed", "Failed", "Retried", "Running", "Skipped" }.All(seen.Contains);
        });
        JsonElement failed = (await RunsAsync(demo, "state=failed"))[0];
        Assert.Contains("   at Belfry.Server.Sources.Demo.SampleTasks", failed.GetProperty("traceback").GetString());
        Assert.NotEmpty(await RunsAsync(demo, "state=running&task=shop.search.reindex"));
        string mails = Mail().Match(demo.Process.Story()).Groups["folder"].Value;
        await Eventually.HoldsAsync("a mail about the broken check", () => Task.FromResult(Directory.Exists(mails) && Directory.GetFiles(mails, "*.eml").Length > 0));
        Assert.Equal(0, await demo.StopAsync());
        Directory.Delete(Path.GetDirectoryName(mails)!, recursive: true);
    }

    static async Task<JsonElement[]> RunsAsync(BelfryProcess demo, string query)
    {
        string answer = await demo.Http.GetStringAsync("/api/v1/runs?" + query, TestContext.Current.CancellationToken);
        return [.. JsonDocument.Parse(answer).RootElement.GetProperty("items").EnumerateArray()];
    }

    [GeneratedRegex(@"mail\s+(?<folder>/\S+/mail)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mail();
}
