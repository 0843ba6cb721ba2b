using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary><c>belfry serve --demo</c>, the first command of the README.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_shows_runs_of_every_fate_and_rings_the_bell_without_a_broker_or_a_login()
    {
        using var folder = new TempFolder();
        await using BelfryProcess demo = await BelfryProcess.ServeAsync(
            ["--demo"], folder.Path, environment: new Dictionary<string, string?> { ["TMPDIR"] = folder.Path });
        string mails = (await demo.Process.LineAsync(line => line.StartsWith("  mail  ", StringComparison.Ordinal)))["  mail  ".Length..];
        var log = new LogReader(demo.Http);

        foreach (string state in (string[])["Completed", "Failed", "Retried", "Running"])
        {
            await Eventually.HoldsAsync($"a run is {state}", async () => (await log.ListAsync($"state={state}&limit=1")).Count > 0, TimeSpan.FromMinutes(1));
        }
        await Eventually.HoldsAsync("a mail is written", () => Directory.Exists(mails) && Directory.EnumerateFiles(mails, "*.eml").Any(), TimeSpan.FromMinutes(2));
        using HttpResponseMessage front = await demo.Http.GetAsync(new Uri("/", UriKind.Relative), TestContext.Current.CancellationToken);
        string page = await demo.Http.GetStringAsync(front.Headers.Location, TestContext.Current.CancellationToken);
        Assert.Contains("<html", page, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*.db"));
    }
}
