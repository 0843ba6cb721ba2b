using System.Net;
using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

[Trait("row", "82")]
public sealed class HealthTests
{
    [Theory]
    [InlineData("/health/live", "alive")]
    [InlineData("/health/ready", "ready")]
    public async Task Health_is_open_to_all_and_tells_nothing_else(string path, string word)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage answer = await server.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(word, await answer.Content.ReadAsStringAsync(ServerHost.Cancel));
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Those_who_watch_by_HEAD_get_the_status_alone(string path)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage answer = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(ServerHost.Cancel));
    }

    [Fact]
    public async Task The_full_text_index_tells_on_the_page_over_the_API_and_to_the_doctor_how_far_it_is()
    {
        await using ServerHost server = await ServerHost.StartAsync(change: settings => settings.Log.FullTextIndex = true);
        await server.AppendAsync(new TaskEvent { Source = "s", Id = "1", Kind = EventKind.Succeeded, At = Instant.Now(TimeProvider.System), Task = "t" });
        const string told = "1 run, up to date";
        await Eventually.HoldsAsync("the index has followed", async () => (await FactAsync(server)).GetProperty("text").GetString() == told);
        Assert.Equal(0, (await FactAsync(server)).GetProperty("value").GetInt64());
        Assert.Contains($"<dd>{told}</dd>", await (await server.GetAsync("/health")).Content.ReadAsStringAsync(ServerHost.Cancel), StringComparison.Ordinal);
        Finding finding = (await new Doctor(server.Get<BelfrySettings>(), TimeProvider.System).ExamineAsync(ServerHost.Cancel)).Single(finding => finding.Subject == "full-text index");
        Assert.Equal((FindingLevel.Well, told), (finding.Level, finding.Facts));
    }

    [Fact]
    public async Task Without_a_full_text_index_health_says_that_it_is_off()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        Assert.Equal("off", (await FactAsync(server)).GetProperty("text").GetString());
    }

    static async Task<JsonElement> FactAsync(ServerHost server) =>
        (await server.JsonAsync("/api/v1/facts?source=belfry")).GetProperty("items").EnumerateArray().Single(item => item.GetProperty("fact").GetString() == "full-text-index");

    [Fact]
    public async Task Ready_ends_when_the_writer_of_the_log_no_longer_comes_round()
    {
        var clock = new ShiftedClock();
        await using ServerHost server = await ServerHost.StartAsync(clock: clock);
        await server.Log.DisposeAsync();
        clock.Shift = TimeSpan.FromMinutes(1);
        using HttpResponseMessage stalled = await server.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, stalled.StatusCode);
        using HttpResponseMessage alive = await server.GetAsync("/health/live");
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    /// <summary>The machine's clock, put ahead.</summary>
    sealed class ShiftedClock : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Shift;
    }
}
