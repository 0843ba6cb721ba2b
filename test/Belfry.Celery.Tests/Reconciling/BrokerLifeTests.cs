using Belfry.Celery.Reconciling;

namespace Belfry.Celery.Tests.Reconciling;

public sealed class BrokerLifeTests
{
    static readonly Instant Now = new(1_795_000_000_000_000);

    readonly BrokerLife _life = new();

    [Fact]
    public void It_began_as_long_ago_as_it_says_and_at_most_a_second_before() =>
        Assert.Equal(Now - TimeSpan.FromSeconds(101), _life.Read(Info("a", 100), Now));

    [Fact]
    public void As_long_as_it_is_the_same_its_begin_does_not_move()
    {
        Instant? began = _life.Read(Info("a", 100), Now);
        Assert.Equal(began, _life.Read(Info("a", 160), Now + TimeSpan.FromSeconds(60.9)));
    }

    [Fact]
    public void Started_again_it_begins_anew()
    {
        _life.Read(Info("a", 100), Now);
        Assert.Equal(Now + TimeSpan.FromSeconds(56), _life.Read(Info("b", 3), Now + TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void One_that_took_over_may_be_older_than_that()
    {
        _life.Read(Info("a", 100), Now);
        Assert.Equal(Now, _life.Read(Info("b", 10_000), Now + TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("run_id:a\r\n")]
    [InlineData("run_id:a\r\nuptime_in_seconds:many\r\n")]
    public void Who_does_not_tell_has_no_begin(string? info) => Assert.Null(_life.Read(info, Now));

    static string Info(string run, long uptime) => $"# Server\r\nredis_version:7.0.15\r\nrun_id:{run}\r\ntcp_port:6379\r\nuptime_in_seconds:{uptime}\r\nuptime_in_days:0\r\n";
}
