using System.Text;
using System.Text.RegularExpressions;
using Belfry.Server.Alerts;
using Belfry.Server.Checks;
using Belfry.Testing;

namespace Belfry.Server.Tests.Monitor;

/// <summary>The page docs/monitoring.md is true.</summary>
public sealed partial class MonitoringPageTests
{
    static readonly string Page = File.ReadAllText(Path.Combine(Machine.Root, "docs", "monitoring.md"));

    [Fact]
    public void Its_configuration_has_no_mistakes()
    {
        StatusDocument document = StatusDocument.Read(Encoding.UTF8.GetBytes(Json().Match(Page).Groups["json"].Value), "page");
        Assert.All(document.Tasks, entry => Assert.Empty(entry.Problems));
    }

    [Fact]
    public void It_has_every_value_of_the_template()
    {
        var check = new Check { Name = "c", Task = "t", Expects = new StatusExpectation([RunState.Completed], TimeSpan.FromHours(1)) };
        Verdict verdict = CheckEvaluator.Evaluate(check, new CheckHistory([], []), default);
        Assert.All(StatusAlert.Values(check, verdict, "").Keys, name => Assert.Contains($"`{name}`", Page, StringComparison.Ordinal));
    }

    [GeneratedRegex("```json\n(?<json>.*?)```", RegexOptions.Singleline, 1000)]
    private static partial Regex Json();
}
