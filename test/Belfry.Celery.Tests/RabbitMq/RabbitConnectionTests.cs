using System.Net;
using System.Net.Sockets;
using System.Text;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Tests.Redis;
using Belfry.Testing;
using RabbitMQ.Client;

[assembly: AssemblyFixture(typeof(SharedRabbit))]

namespace Belfry.Celery.Tests.RabbitMq;

public sealed class RabbitConnectionTests(SharedRabbit shared)
{
    [Fact]
    public async Task A_wrong_password_is_refused_without_showing_it()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        RabbitException refused = await RefusedAsync(rabbit.UrlOf("/", password: "wrongword"));
        Assert.Contains("belfry:***@127.0.0.1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("refused the login of belfry", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrongword", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RabbitServer.OddVirtualHost)]
    [InlineData("/")]
    [InlineData("v1")]
    public async Task The_virtual_host_of_the_URL_is_entered(string virtualHost)
    {
        RabbitServer rabbit = await shared.ServerAsync();
        await DeclareAsync(rabbit.UrlOf(virtualHost), $"only in {virtualHost}");
        // Another way to write it, as kombu takes it.
        string plain = $"pyamqp://{RabbitServer.User}:p%40ss%2Fw:rd@localhost:{rabbit.Port}/{virtualHost}";
        await DeclareAsync(plain, $"only in {virtualHost}", passive: true);
        RabbitException elsewhere = await Assert.ThrowsAsync<RabbitException>(() => DeclareAsync(rabbit.UrlOf("v2"), $"only in {virtualHost}", passive: true));
        Assert.Equal(Constants.NotFound, elsewhere.Code);
    }

    [Fact]
    public async Task A_virtual_host_that_is_not_there_is_named()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        RabbitException refused = await RefusedAsync(rabbit.UrlOf("nowhere"));
        Assert.Equal(Constants.NotAllowed, refused.Code);
        Assert.Contains("nowhere", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_user_may_not_do_is_said_and_the_connection_stays()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        await using RabbitConnection connection = Open(rabbit.UrlOf("/", RabbitServer.Powerless));
        for (int i = 0; i < 2; i++)
        {
            RabbitException refused = await Assert.ThrowsAsync<RabbitException>(() => DeclareAsync(connection, "mine"));
            Assert.Equal(Constants.AccessRefused, refused.Code);
            Assert.Contains("access to queue 'mine'", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_named_in_the_problem()
    {
        int port = Machine.FreePort();
        await using RabbitConnection connection = Open($"amqp://me:s3cret@127.0.0.1:{port}/lab");
        IOException problem = await Assert.ThrowsAsync<IOException>(() => DeclareAsync(connection, "any"));
        Assert.Contains($"amqp://me:***@127.0.0.1:{port}/lab cannot be reached", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_never_answers_is_not_waited_for()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var url = BrokerUrl.Parse($"amqp://me:s3cret@127.0.0.1:{((IPEndPoint)mute.LocalEndpoint).Port}/");
        await using var connection = new RabbitConnection(url, "tests", TimeSpan.FromSeconds(0.5));
        await Assert.ThrowsAsync<IOException>(() => DeclareAsync(connection, "any"));
    }

    [Fact]
    public async Task A_certificate_is_verified_against_the_authority_that_is_named()
    {
        using var folder = new TempFolder();
        TestCertificate.Write(folder, "localhost");
        int port = Machine.FreePort();
        await using RabbitServer rabbit = await RabbitServer.StartAsync(
            $"listeners.ssl.1 = 127.0.0.1:{port}", $"ssl_options.cacertfile = {folder.File("ca.pem")}", $"ssl_options.certfile = {folder.File("server.pem")}",
            $"ssl_options.keyfile = {folder.File("server.key")}", "ssl_options.verify = verify_none");
        string authority = Uri.EscapeDataString(folder.File("ca.pem"));
        string Url(string host) => rabbit.UrlOf("/", host: host, port: port).Replace("amqp://", "amqps://", StringComparison.Ordinal);
        await DeclareAsync($"{Url("localhost")}?ssl_ca_certs={authority}", "one");
        await DeclareAsync($"{Url("127.0.0.1")}?ssl_ca_certs={authority}&ssl_check_hostname=false", "two");
        await DeclareAsync($"{Url("127.0.0.1")}?ssl_cert_reqs=none", "three");
        await Assert.ThrowsAsync<IOException>(() => DeclareAsync(Url("localhost"), "four"));
        await Assert.ThrowsAsync<IOException>(() => DeclareAsync($"{Url("127.0.0.1")}?ssl_ca_certs={authority}", "five"));
    }

    [Fact]
    public async Task It_is_opened_anew_after_the_broker_was_gone()
    {
        await using RabbitServer rabbit = await RabbitServer.StartAsync();
        await using RabbitConnection connection = Open(rabbit.Url);
        await DeclareAsync(connection, "kept");
        await rabbit.StopAsync();
        await Assert.ThrowsAsync<IOException>(() => DeclareAsync(connection, "lost"));
        await rabbit.StartAgainAsync();
        await DeclareAsync(connection, "kept", passive: true);
        Assert.Equal("RabbitMQ 3.10", (await connection.ServerAsync(CancellationToken.None))[..13]);
    }

    [Fact]
    public async Task Of_a_list_the_first_broker_that_is_there_is_taken_and_when_none_is_the_last_one_says_why()
    {
        RabbitServer rabbit = await shared.ServerAsync();
        string Dead() => $"amqp://127.0.0.1:{Machine.FreePort()}//";
        await DeclareAsync($"{Dead()};{rabbit.UrlOf("v2")};{Dead()}", "of the second");
        await DeclareAsync(rabbit.UrlOf("v2"), "of the second", passive: true);
        string last = Dead();
        IOException none = await Assert.ThrowsAsync<IOException>(() => DeclareAsync($"{Dead()};{last}", "any"));
        Assert.Contains("cannot be reached", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_was_confirmed_is_there()
    {
        await using RabbitConnection connection = Open((await shared.ServerAsync()).NewUrl());
        await DeclareAsync(connection, "letters");
        await connection.UseAsync(
            async channel =>
            {
                await channel.BasicPublishAsync("", "letters", mandatory: true, new BasicProperties(), Encoding.UTF8.GetBytes("héllo"));
                return true;
            },
            CancellationToken.None, confirms: true);
        BasicGetResult? letter = await connection.UseAsync(channel => channel.BasicGetAsync("letters", autoAck: true), CancellationToken.None);
        Assert.Equal("héllo", Encoding.UTF8.GetString(letter!.Body.Span));
    }

    static RabbitConnection Open(string url) => new(BrokerUrl.Parse(url), "tests", TimeSpan.FromSeconds(20));

    static async Task<RabbitException> RefusedAsync(string url)
    {
        await using RabbitConnection connection = Open(url);
        return await Assert.ThrowsAsync<RabbitException>(() => DeclareAsync(connection, "any"));
    }

    static async Task DeclareAsync(string url, string queue, bool passive = false)
    {
        await using RabbitConnection connection = Open(url);
        await DeclareAsync(connection, queue, passive);
    }

    static Task<QueueDeclareOk> DeclareAsync(RabbitConnection connection, string queue, bool passive = false) => connection.UseAsync(
        channel => passive ? channel.QueueDeclarePassiveAsync(queue) : channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false), CancellationToken.None);
}
