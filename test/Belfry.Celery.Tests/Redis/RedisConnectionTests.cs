using System.Net;
using System.Net.Sockets;
using Belfry.Celery.Redis;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Redis;

public sealed class RedisConnectionTests
{
    [Fact]
    public async Task A_password_is_sent_and_a_wrong_one_is_refused_without_showing_it()
    {
        await using RedisServer redis = await RedisServer.StartAsync("--requirepass", "s3cret");
        Assert.Equal("PONG", Ask($"redis://:s3cret@127.0.0.1:{redis.Port}/0"));
        RedisException refused = Assert.Throws<RedisException>(() => Ask($"redis://:wrongword@127.0.0.1:{redis.Port}/0"));
        Assert.Contains("WRONGPASS", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrongword", refused.Message, StringComparison.Ordinal);
        Assert.Contains("NOAUTH", Assert.Throws<RedisException>(() => Ask(redis.Url)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_of_the_access_list_logs_in_by_name()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.AskAsync("ACL", "SETUSER", "belfry", "on", ">s3:c@ret", "+@all", "~*");
        Assert.Equal("belfry", Ask($"redis://belfry:s3%3Ac%40ret@127.0.0.1:{redis.Port}/0", "ACL", "WHOAMI"));
    }

    [Fact]
    public async Task The_database_of_the_URL_is_selected()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        Ask($"redis://127.0.0.1:{redis.Port}/3", "SET", "key", "three");
        Assert.Equal("three", Ask($"redis://127.0.0.1:{redis.Port}/3", "GET", "key"));
        Assert.Null(Ask(redis.Url, "GET", "key"));
        Assert.Throws<RedisException>(() => Ask($"redis://127.0.0.1:{redis.Port}/99"));
    }

    [Fact]
    public async Task A_unix_socket_will_do()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        Ask(redis.Url, "SELECT", "2");
        Ask($"redis+socket://{redis.Socket}?virtual_host=2", "SET", "key", "two");
        Assert.Equal("two", Ask($"redis://127.0.0.1:{redis.Port}/2", "GET", "key"));
    }

    [Fact]
    public async Task A_certificate_is_verified_against_the_authority_that_is_named()
    {
        using var folder = new TempFolder();
        TestCertificate.Write(folder, "localhost");
        int port = Machine.FreePort();
        await using RedisServer redis = await RedisServer.StartAsync(
            "--tls-port", $"{port}", "--tls-cert-file", folder.File("server.pem"), "--tls-key-file", folder.File("server.key"),
            "--tls-ca-cert-file", folder.File("ca.pem"), "--tls-auth-clients", "no");
        string authority = Uri.EscapeDataString(folder.File("ca.pem"));
        Assert.Equal("PONG", Ask($"rediss://localhost:{port}/0?ssl_ca_certs={authority}"));
        Assert.Equal("PONG", Ask($"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority}&ssl_check_hostname=false"));
        Assert.Equal("PONG", Ask($"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none"));
        Assert.Throws<IOException>(() => Ask($"rediss://localhost:{port}/0"));
        Assert.Throws<IOException>(() => Ask($"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority}"));
    }

    [Fact]
    public void A_broker_that_is_not_there_is_named_in_the_problem()
    {
        int port = Machine.FreePort();
        IOException problem = Assert.Throws<IOException>(() => Ask($"redis://:s3cret@127.0.0.1:{port}/0"));
        Assert.Contains($"redis://:***@127.0.0.1:{port}/0 cannot be reached", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_never_answers_is_not_waited_for()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var url = BrokerUrl.Parse($"redis://:s3cret@127.0.0.1:{((IPEndPoint)mute.LocalEndpoint).Port}/0");
        IOException problem = Assert.Throws<IOException>(() => RedisConnection.Open(url, TimeSpan.FromSeconds(0.3), TimeProvider.System, CancellationToken.None));
        Assert.Contains("did not answer within 0.3 s", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_replies_and_lists_are_read()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        string large = new('é', 1_000_000);
        Ask(redis.Url, "RPUSH", "list", large, "", "two");
        using RedisConnection connection = Open(redis.Url);
        RespReply list = connection.Command("LRANGE", "list", "0", "-1");
        Assert.Equal([large, "", "two"], list.Items!.Select(item => item.Text));
        Assert.Equal(3, connection.Command("LLEN", "list").Number);
    }

    static string? Ask(string url, params string[] command)
    {
        using RedisConnection connection = Open(url);
        return connection.Command(command.Length > 0 ? command : ["PING"]).Text;
    }

    static RedisConnection Open(string url) => RedisConnection.Open(BrokerUrl.Parse(url), TimeSpan.FromSeconds(10), TimeProvider.System, CancellationToken.None);
}
