using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A flood of wrong log-ins, from one address and from fifty: the log goes on, and the right user comes in.</summary>
public sealed partial class LoginFloodTests(ITestOutputHelper output)
{
    const string Password = "correct horse";
    const int PerSecond = 1000;
    static readonly TimeSpan Lasts = TimeSpan.FromSeconds(8);

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [Trait("row", "83")]
    public async Task A_thousand_wrong_logins_a_second_neither_slow_the_log_nor_lock_the_right_user_out(int addresses)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Watched belfry = await Watched.StartAsync(redis.Url);
        await File.WriteAllTextAsync(belfry.Folder.File("password"), Password, TestContext.Current.CancellationToken);
        Finished user = await belfry.AskAsync("user", "add", "mara", "--role", "admin", "--password-file", "password");
        Assert.True(user.Code == 0, user.Errors);
        await belfry.ListensAsync(redis);
        await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed");
        TimeSpan calm = belfry.Server.Process.Cpu;

        using var over = new CancellationTokenSource();
        long began = TimeProvider.System.GetTimestamp();
        int clients = Math.Max(8, addresses);
        Task<int>[] floods = [.. Enumerable.Range(0, clients).Select(i => FloodAsync(belfry.Server.Address, $"127.0.1.{1 + (i % addresses)}", (double)PerSecond / clients, over.Token))];
        TimeSpan slowest = TimeSpan.Zero, entered;
        using (HttpClient browser = Client(belfry.Server.Address, "127.0.2.1"))
        {
            string mark = await MarkAsync(browser, CancellationToken.None);
            await Eventually.HoldsAsync("the right user comes in from another address", async () => await LogInAsync(browser, mark) == HttpStatusCode.SeeOther, TimeSpan.FromSeconds(60));
            entered = TimeProvider.System.GetElapsedTime(began);
            while (TimeProvider.System.GetElapsedTime(began) < entered + Lasts)
            {
                long sent = TimeProvider.System.GetTimestamp();
                await belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(redis), "Completed", TimeSpan.FromSeconds(30));
                slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, TimeProvider.System.GetElapsedTime(sent).Ticks));
            }
            // The same browser once more, in the middle of it: its device is known by now.
            Assert.Equal(HttpStatusCode.SeeOther, await LogInAsync(browser, mark));
        }
        await over.CancelAsync();
        int tried = (await Task.WhenAll(floods)).Sum();
        double seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        output.WriteLine($"{tried / seconds:0} wrong log-ins a second for {seconds:0} s from {addresses} addresses; the right user was in after {entered.TotalSeconds:0.0} s; the slowest run was in the log after {slowest.TotalMilliseconds:0} ms; "
            + $"{(belfry.Server.Process.Cpu - calm).TotalSeconds:0.0} s of CPU");
        Assert.True(tried > 1000, $"{tried} tries are no flood");
        Assert.InRange(slowest.TotalSeconds, 0, 30); // on a quiet machine a fraction of one; it must not be the flood that counts
        Finished audit = await belfry.AskAsync("audit", "--what", "login");
        Assert.Contains("mara", audit.Output, StringComparison.Ordinal);
        Assert.InRange(audit.Output.Split('\n').Length, 2, 150); // a flood is summed up, not taken down row by row
    }

    /// <summary>Guesses at a steady pace, as far as it is answered; tells how often.</summary>
    static async Task<int> FloodAsync(Uri server, string from, double perSecond, CancellationToken over)
    {
        using HttpClient http = Client(server, from);
        using var turn = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        long began = TimeProvider.System.GetTimestamp();
        int tried = 0;
        try
        {
            string mark = await MarkAsync(http, over);
            while (await turn.WaitForNextTickAsync(over))
            {
                for (; tried < TimeProvider.System.GetElapsedTime(began).TotalSeconds * perSecond; tried++)
                {
                    using HttpResponseMessage answer = await http.PostAsync("/login", Form(mark, $"guess {tried}"), over);
                    Assert.True(answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests, $"{answer.StatusCode}");
                }
            }
            return tried;
        }
        catch (OperationCanceledException)
        {
            return tried;
        }
    }

    static async Task<HttpStatusCode> LogInAsync(HttpClient http, string mark)
    {
        using HttpResponseMessage answer = await http.PostAsync("/login", Form(mark, Password));
        return answer.StatusCode;
    }

    static FormUrlEncodedContent Form(string mark, string password) => new([new("form", mark), new("name", "mara"), new("password", password), new("return", "/log")]);

    /// <summary>What the form of the login bears.</summary>
    static async Task<string> MarkAsync(HttpClient http, CancellationToken cancel) => Mark().Match(await http.GetStringAsync("/login", cancel)).Groups["mark"].Value;

    static HttpClient Client(Uri server, string from) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ConnectCallback = async (context, cancel) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = server };

    [GeneratedRegex("name=\"form\" value=\"(?<mark>[^\"]+)\"", RegexOptions.None, 1000)]
    private static partial Regex Mark();
}
