using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.Server.Tests.Monitor;

/// <summary>The command <c>belfry monitor latest-run</c> as its users run it, with a real log and a real mail server.</summary>
public sealed class MonitorLatestRunTests
{
    [Fact]
    [Trait("row", "10")]
    [Trait("row", "11")]
    public async Task Each_task_is_told_of_by_a_mail_of_its_own_and_none_stops_the_others()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("stale", 90).Ran("failing", 50).Ran("failing", 20, EventKind.Failed).Ran("fresh", 30).Ran("long", 200, minutes: 180);
        Finished call = await lab.MonitorAsync(
            "latest-run", "--task", "never", "60", "--task", "stale", "60", "--task", "failing", "60", "--task", "fresh", "60", "--task", "long", "60",
            "--recipient", "ops@example.com", "--json");

        Assert.Equal((2, ""), (call.Code, call.Errors));
        Assert.Equal(["never ran", "too old", "failed", "", ""], MonitorLab.Results(call).Values.Select(result => (string)result["reason"]!));
        IReadOnlyList<ArrivedMail> mails = await lab.Sink.ArrivedAsync(3);
        Assert.Equal(["Problem with task never", "Problem with task stale", "Problem with task failing"], mails.Select(mail => mail.Subject));
        Assert.Equal("Task never has no last run and thus cannot be monitored. Is it configured properly?\n\nWe suggest to check the logs.", Body(mails[0]));
        Assert.Equal(
            $"Task stale's latest run time is outside of the acceptable range (1:00:00).\n\nLast run was at {Time(lab, 89)}, status was: Completed\nWe suggest to check the logs.",
            Body(mails[1]));
        Assert.Equal(
            $"A failure has been reported on task failing.\n\nLast run was at {Time(lab, 19)}, status was: Failed\nWe suggest to check the logs.", Body(mails[2]));
    }

    [Fact]
    [Trait("row", "13")]
    public async Task By_success_a_failure_since_then_does_not_matter_but_the_age_of_the_success_does()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Ran("mixed", 50).Ran("mixed", 20, EventKind.Failed).Ran("failing", 90).Ran("failing", 20, EventKind.Failed);
        Assert.Equal(0, (await lab.MonitorAsync("tasks", "--task", "mixed", "60", "--by", "success")).Code);

        Finished call = await lab.MonitorWithoutLogAsync("tasks", "--task", "failing", "60", "--by", "success", "--recipient", "ops@example.com");
        Assert.Equal(2, call.Code);
        Assert.StartsWith(
            "Task failing's latest successful run time is outside of the acceptable range (1:00:00).", Body(Assert.Single(await lab.Sink.ArrivedAsync())), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "14")]
    [Trait("row", "16")]
    public async Task Recipients_do_not_see_each_other_and_the_note_comes_last()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        Finished call = await lab.MonitorAsync(
            "latest-run", "--task", "x", "1440", "--recipient", "anna@example.com", "--recipient", "bert@example.com", "--custom-message", "See the runbook");
        ArrivedMail mail = Assert.Single(await lab.Sink.ArrivedAsync());
        Assert.Equal(2, call.Code);
        Assert.Equal(["anna@example.com", "bert@example.com"], mail.To);
        Assert.DoesNotContain("anna@example.com", mail.Data, StringComparison.Ordinal);
        Assert.DoesNotContain("bert@example.com", mail.Data, StringComparison.Ordinal);
        Assert.EndsWith("We suggest to check the logs.\n\nNote: See the runbook", Body(mail), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_recipient_the_settings_decide()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        lab.Settings["Administrators"] = new JsonArray("admin@example.com");
        await lab.MonitorAsync("latest-run", "--task", "x", "5");
        lab.Settings["Monitoring"] = new JsonObject { ["Recipients"] = "one@example.com" };
        await lab.MonitorWithoutLogAsync("latest-run", "--task", "x", "5");
        lab.Settings["Monitoring"] = new JsonObject { ["Recipients"] = new JsonArray("one@example.com", "two@example.com") };
        await lab.MonitorWithoutLogAsync("latest-run", "--task", "x", "5");
        Assert.Equal(
            ["admin@example.com", "one@example.com", "one@example.com two@example.com"], (await lab.Sink.ArrivedAsync(3)).Select(mail => string.Join(' ', mail.To)));
    }

    [Fact]
    [Trait("row", "22")]
    public async Task A_store_out_of_reach_is_told_for_every_task()
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        Finished call = await lab.MonitorWithoutLogAsync("latest-run", "--task", "x", "5", "--task", "y", "5", "--recipient", "a@example.com");
        Assert.Equal(3, call.Code);
        IReadOnlyList<ArrivedMail> mails = await lab.Sink.ArrivedAsync(2);
        Assert.StartsWith("Task x could not be checked due to a database connectivity problem.", Body(mails[0]), StringComparison.Ordinal);
        Assert.StartsWith("Task y could not be checked due to a database connectivity problem.", Body(mails[1]), StringComparison.Ordinal);
    }

    [Theory]
    [Trait("row", "12")]
    [InlineData("latest-run --task fresh 60", 0)]
    [InlineData("latest-run --task fresh 60 --task never 60 --dry-run", 2)]
    [InlineData("latest-run", 3)]
    [InlineData("latest-run --task fresh", 3)]
    [InlineData("latest-run --task fresh 60 --task never", 3)]
    [InlineData("latest-run --task fresh soon", 3)]
    [InlineData("latest-run --task fresh 0", 3)]
    [InlineData("latest-run --task fresh 60 --by luck", 3)]
    [InlineData("latest-run --task fresh 60 --recipient 17", 3)]
    [InlineData("latest-run --task fresh 60 --recipient nobody", 3)]
    [InlineData("latest-run --task fresh 60 --config not-there.json", 3)]
    [InlineData("latest-run --task fresh 60 --store nonsense", 3)]
    [InlineData("status", 3)]
    [InlineData("status not-there.json", 3)]
    [InlineData("status not-there.json --store nonsense", 3)]
    [InlineData("", 3)]
    [InlineData("nonsense", 3)]
    public async Task The_exit_code_is_that_of_a_plugin(string arguments, int code)
    {
        await using MonitorLab lab = await MonitorLab.StartAsync();
        Finished call = await lab.Ran("fresh", 10).MonitorAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(code, call.Code);
        Assert.Equal(code == 3, call.Errors.StartsWith("belfry: ", StringComparison.Ordinal));
        Assert.Equal(code == 3, call.Output.Length == 0);
    }

    static string Body(ArrivedMail mail) => mail.Text!.ReplaceLineEndings("\n").TrimEnd('\n');

    static string Time(MonitorLab lab, double minutesAgo) =>
        (lab.Now - TimeSpan.FromMinutes(minutesAgo)).ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
}
