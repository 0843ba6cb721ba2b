using Belfry.Server.Sources;

namespace Belfry.Celery.Tests.Sources;

public sealed class SourceSettingsTests
{
    [Fact]
    public void A_broker_is_all_that_must_be_said() =>
        Assert.Empty(SourceSettings.Problems([new SourceSettings { Broker = "redis://broker/0" }]));

    [Fact]
    public void Every_wrong_value_is_named_with_its_key()
    {
        SourceSettings[] sources =
        [
            new() { Broker = "redis://broker/0" },
            new() { Broker = "mqtt://broker", Name = "local" },
            new() { Broker = "redis://broker/1", EventExchange = "", ControlExchange = "" },
        ];
        Assert.Equal(["1:Name", "1:Broker", "2:EventExchange", "2:ControlExchange", "2:Name"], SourceSettings.Problems(sources).Select(problem => problem.Key));
    }

    [Fact]
    public void Sentinels_need_the_name_of_their_master_in_the_URL_or_beside_it()
    {
        const string broker = "sentinel://:secret@a/3;sentinel://b";
        Assert.Equal(["MasterName"], new SourceSettings { Broker = broker }.Problems().Select(problem => problem.Key));
        Assert.Empty(new SourceSettings { Broker = broker, MasterName = "main" }.Problems());
        Assert.Empty(new SourceSettings { Broker = broker + "?master_name=main" }.Problems());
    }
}
