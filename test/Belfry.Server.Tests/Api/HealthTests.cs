using System.Net;

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
