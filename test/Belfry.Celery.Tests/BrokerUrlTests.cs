namespace Belfry.Celery.Tests;

public sealed class BrokerUrlTests
{
    [Theory]
    [InlineData("redis://localhost:6379/0", "redis://localhost:6379/0")]
    [InlineData("redis://", "redis://localhost:6379/0")]
    [InlineData("redis://broker", "redis://broker:6379/0")]
    [InlineData("redis://broker:7000//3", "redis://broker:7000/3")]
    [InlineData("redis://[::1]:7000/3", "redis://[::1]:7000/3")]
    [InlineData("redis://:secret@broker/1", "redis://:***@broker:6379/1")]
    [InlineData("redis://me:s%40cr:et@broker/1", "redis://me:***@broker:6379/1")]
    [InlineData("redis://me:p@ss/word@broker/1", "redis://me:***@broker:6379/1")]
    [InlineData("rediss://broker/1?ssl_cert_reqs=CERT_NONE", "rediss://broker:6379/1")]
    [InlineData("redis+socket:///run/redis.sock?virtual_host=2", "redis+socket:///run/redis.sock?virtual_host=2")]
    [InlineData("redis+socket://:secret@/run/redis.sock", "redis+socket://:***@/run/redis.sock?virtual_host=0")]
    [InlineData("amqp://", "amqp://localhost:5672//")]
    [InlineData("amqp://broker", "amqp://broker:5672//")]
    [InlineData("amqp://broker/", "amqp://broker:5672//")]
    [InlineData("amqp://broker//", "amqp://broker:5672//")]
    [InlineData("amqp://broker/%2f", "amqp://broker:5672//")]
    [InlineData("amqp://me:secret@broker:7000/team", "amqp://me:***@broker:7000/team")]
    [InlineData("pyamqp://me:s%40c%2Fr:et@[::1]/team%2Fa", "amqp://me:***@[::1]:5672/team/a")]
    [InlineData("librabbitmq://broker/team/a", "amqp://broker:5672/team/a")]
    [InlineData("amqps://broker/team?ssl_cert_reqs=none", "amqps://broker:5671/team")]
    [InlineData("amqp://broker/team?ssl_ca_certs=%2Fetc%2Fca.pem", "amqps://broker:5671/team")]
    [InlineData("redis://:secret@a/1;redis://b/1", "redis://:***@a:6379/1;redis://b:6379/1")]
    [InlineData("amqp://me:secret@a//;amqps://b/team", "amqp://me:***@a:5672//;amqps://b:5671/team")]
    [InlineData("redis://:sec;ret@a/1", "redis://:***@a:6379/1")]
    [InlineData("sentinel://:secret@a/2;sentinel://[::1]:7000", "sentinel://:***@a:26379/2;sentinel://[::1]:7000")]
    [InlineData("sentinel://:secret@a;sentinel://b/3?master_name=m&sentinel_password=hidden", "sentinel://:***@a:26379/0?master_name=m;sentinel://b:26379")]
    public void A_broker_is_shown_without_its_password(string text, string shown) => Assert.Equal(shown, BrokerUrl.Parse(text).ToString());

    [Fact]
    public void All_parts_are_read()
    {
        var url = BrokerUrl.Parse("rediss://me:s%40cr:et@broker:7000/4?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem&ssl_check_hostname=false");
        Assert.Equal(("me", "s@cr:et", "broker", 7000, 4), (url.User, url.Password, url.Host, url.Port, url.Database));
        Assert.Equal((true, true, false, "/etc/ca.pem"), (url.Tls, url.VerifyCertificate, url.VerifyHost, url.AuthorityFile));
    }

    [Fact]
    public void All_parts_of_a_RabbitMQ_are_read()
    {
        var url = BrokerUrl.Parse("amqps://me:s%40c%2Fr:et@broker:7000/team%40a?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_check_hostname=false");
        Assert.Equal((BrokerKind.RabbitMq, "me", "s@c/r:et", "broker", 7000, "team@a"), (url.Kind, url.User, url.Password, url.Host, url.Port, url.VirtualHost));
        Assert.Equal((true, true, false, "/etc/ca.pem"), (url.Tls, url.VerifyCertificate, url.VerifyHost, url.AuthorityFile));
    }

    [Fact]
    public void All_parts_of_a_list_of_Sentinels_are_read()
    {
        var url = BrokerUrl.Parse("sentinel://me:s%40cret@a/4;sentinel://b:7000?master_name=m&sentinel_password=w&ssl_cert_reqs=none");
        Assert.Equal((BrokerKind.Redis, "me", "s@cret", 4, "m", true, false), (url.Kind, url.User, url.Password, url.Database, url.MasterName, url.Tls, url.VerifyCertificate));
        Assert.Equal([("a", 26379, null, "w", true), ("b", 7000, null, "w", true)], url.Sentinels.Select(one => (one.Host!, one.Port, one.User, one.Password, one.Tls)));
        BrokerUrl told = BrokerUrl.Parse("sentinel://a/1").WithSentinel("m", "u", "w");
        Assert.Equal(("m", "u", "w"), (told.MasterName, told.Sentinels[0].User, told.Sentinels[0].Password));
    }

    [Theory]
    [InlineData("amqp://me:secret/word@broker//", "write a slash of the password as %2F")]
    [InlineData("amqp://me:12/secret@broker/team", "write a slash of the password as %2F")]
    [InlineData("amqp://me:secret@broker:port/", "is not host:port")]
    [InlineData("amqp://me:secret@a//;redis://b/0", "brokers of one kind")]
    [InlineData("sentinel://:secret@a:26379;redis://b/0", "Sentinels or of brokers")]
    [InlineData("redis://:secret@a/0;redis://b/zero", "'zero' is not a number")]
    [InlineData("sentinel://a/0?sentinel_password=secret;sentinel://b/zero", "'zero' is not a number")]
    [InlineData("redis://:secret@broker/zero", "'zero' is not a number")]
    [InlineData("redis://:secret@broker:99999/0", "99999 is not a port")]
    [InlineData("redis://:secret@bro ker", "is not host:port")]
    [InlineData("redis://me:secret?word@broker/0", "write a ? of the password as %3F")]
    [InlineData("redis://me:12/secret?word@broker/0", "write a ? of the password as %3F")]
    [InlineData("redis://:secret", "is not host:port")]
    [InlineData("redis://me:secret/0", "is not host:port")]
    [InlineData("amqp://me:secret", "is not host:port")]
    [InlineData("sentinel://a;sentinel://me:secret/0", "is not host:port")]
    [InlineData("redis+socket://:secret@run", "absolute path")]
    [InlineData("rediss://:secret@broker?ssl_cert_reqs=maybe", "not 'maybe'")]
    [InlineData("me:secret@broker", "use redis://")]
    [InlineData("", "use redis://")]
    public void What_cannot_be_read_says_why_and_keeps_the_secret(string text, string why)
    {
        string message = Assert.Throws<FormatException>(() => BrokerUrl.Parse(text)).Message;
        Assert.Contains(why, message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }
}
