using Belfry.Server.Sources;
using Belfry.Testing;

namespace Belfry.Server.Tests.Workers;

/// <summary>What Celery does not tell because a setting is off is named, with what it costs.</summary>
public sealed class FlagsTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    [Fact, Trait("row", "103")]
    public async Task The_health_page_and_doctor_name_the_settings_that_are_off()
    {
        await using ServerHost host = await lab.ServeAsync(guarded: false);
        string page = await Eventually.GetAsync("the page names them", async () =>
        {
            string text = await (await host.GetAsync("/health")).Content.ReadAsStringAsync(ServerHost.Cancel);
            return text.Contains("result_extended", StringComparison.Ordinal) ? text : null;
        });
        Assert.Contains("task_track_started", page, StringComparison.Ordinal);
        Assert.DoesNotContain("task_send_sent_event", page, StringComparison.Ordinal);
        var settings = new BelfrySettings { Store = "memory:" };
        settings.Sources.Add(new SourceSettings { Name = "lab", Broker = lab.Url });
        IReadOnlyList<Finding> findings = await new Doctor(settings, TimeProvider.System).ExamineAsync(ServerHost.Cancel);
        Finding flag = Assert.Single(findings, found => found.Subject == "celery" && found.Place.Contains("result_extended", StringComparison.Ordinal));
        Assert.Contains("off on auto@lab, w1@lab: of a run that is found", flag.Facts, StringComparison.Ordinal);
    }
}
