using System.Net;
using Belfry.Testing;
using Belfry.Tests.Logs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Tests.Remote;

/// <summary>The log that reports to a server does what every log does, also while nobody answers there.</summary>
public sealed class ServerLogTests : RunLogStoreTests, IDisposable
{
    readonly TempFolder _folder = new();

    [Fact]
    [Trait("row", "50")]
    public async Task What_was_appended_is_there_again_after_a_restart_without_a_server()
    {
        await using (IRunLogStore log = await OpenAsync())
        {
            await log.AppendAsync([.. Enumerable.Range(0, 30).SelectMany(n => Run("load", n, EventKind.Succeeded)), Start("load", 40)], Cancel);
        }
        await using IRunLogStore again = await OpenAsync();
        Assert.Equal(31, await again.CountAsync(new RunQuery(), Cancel));
        Assert.Equal("load-40", (await again.LastAsync("load", RunAction.Started, Cancel))!.Id);
        Assert.Equal("load-29", (await again.LastAsync("load", RunAction.Succeeded, Cancel))!.Id);
    }

    [Fact]
    public async Task A_second_process_takes_a_folder_of_its_own()
    {
        await using ServerLog first = Open(), second = Open();
        await first.AppendAsync([Start("load", 1)], Cancel);
        await second.AppendAsync([Start("load", 2)], Cancel);
        Assert.Equal(1, await first.CountAsync(new RunQuery(), Cancel));
        Assert.Equal(["0", "1"], Directory.GetDirectories(_folder.File("spool")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task More_than_the_spool_may_hold_is_refused_and_nothing_of_it_is_there()
    {
        await using ServerLog log = Open(options => options.MostWaiting = 2000);
        await log.AppendAsync([Start("load", 1)], Cancel);
        await Assert.ThrowsAsync<IOException>(() => log.AppendAsync([.. Enumerable.Range(2, 30).Select(n => Start("load", n))], Cancel));
        Assert.Equal(1, await log.CountAsync(new RunQuery(), Cancel));
        Assert.True(log.Waiting is > 0 and < 2000);
    }

    [Theory]
    [InlineData("[\"no\"]")]
    [InlineData("{\"refused\":\"some\",\"detail\":7}")]
    [InlineData("no JSON")]
    public async Task Whatever_a_server_or_what_stands_before_it_answers_the_events_arrive_once_it_takes_them(string answer)
    {
        using var server = new HttpListener();
        string url = $"http://127.0.0.1:{Machine.FreePort()}/";
        server.Prefixes.Add(url);
        server.Start();
        await using ServerLog log = Open(options => options.LongestPause = TimeSpan.FromMilliseconds(50), url);
        await log.AppendAsync([Start("load", 1)], Cancel);
        await AnswerAsync(server, HttpStatusCode.BadRequest, answer);
        await AnswerAsync(server, HttpStatusCode.Accepted, "");
        await Eventually.HoldsAsync("the server has it", () => log.Waiting == 0);
        Assert.Equal(0, log.Refused);
    }

    [Fact]
    public async Task A_server_that_has_moved_is_told_with_its_new_place_and_the_events_wait()
    {
        using var server = new HttpListener();
        string url = $"http://127.0.0.1:{Machine.FreePort()}/";
        server.Prefixes.Add(url);
        server.Start();
        await using ServerLog log = Open(options => options.Timeout = TimeSpan.FromSeconds(2), url);
        await log.AppendAsync([Start("load", 1)], Cancel);
        HttpListenerContext asked = await server.GetContextAsync().WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        (asked.Response.StatusCode, asked.Response.RedirectLocation) = (301, $"{url}belfry/api/v1/events");
        asked.Response.Close();
        await Eventually.HoldsAsync("it is told", () => log.Problem is not null);
        Assert.Contains($"answered 301 Moved Permanently, which leads to {url}belfry/api/v1/events", log.Problem, StringComparison.Ordinal);
        Assert.NotEqual(0, log.Waiting);
    }

    public void Dispose() => _folder.Dispose();

    static async Task AnswerAsync(HttpListener server, HttpStatusCode status, string text)
    {
        HttpListenerContext asked = await server.GetContextAsync().WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        asked.Response.StatusCode = (int)status;
        await asked.Response.OutputStream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), Cancel);
        asked.Response.Close();
    }

    protected override Task<IRunLogStore> OpenAsync() => Task.FromResult<IRunLogStore>(Open());

    ServerLog Open(Action<ServerLogOptions>? change = null, string? url = null)
    {
        var options = new ServerLogOptions { Folder = _folder.File("spool") };
        change?.Invoke(options);
        return new ServerLog(new Uri(url ?? $"http://127.0.0.1:{Machine.FreePort()}"), "token", "local", options, TimeProvider.System, NullLogger.Instance);
    }
}

/// <summary>The spool alone.</summary>
public sealed class SpoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_appended_is_read_once_and_in_order_over_restarts_and_half_lines(int seed)
    {
        using var folder = new TempFolder();
        var random = new Random(seed);
        List<string> written = [], read = [];
        for (int life = 0; life < 6; life++)
        {
            using (Spool spool = Spool.Open(folder.Path, 1L << 30))
            {
                for (int step = 0; step < 40; step++)
                {
                    string[] lines = [.. Enumerable.Range(0, random.Next(6)).Select(_ => $"{written.Count}-{new string('x', random.Next(4) == 0 ? random.Next(300_000) : random.Next(80))}-{random.Next()}")];
                    spool.Append(System.Text.Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));
                    written.AddRange(lines);
                    if (random.Next(3) == 0)
                    {
                        (byte[] next, int count, SpoolPlace end) = spool.Next(1 + random.Next(10));
                        string[] got = System.Text.Encoding.UTF8.GetString(next).Split('\n', StringSplitOptions.RemoveEmptyEntries);
                        Assert.Equal(count, got.Length);
                        read.AddRange(got);
                        spool.Settle(end);
                        spool.Forget(spool.Sent);
                    }
                }
            }
            string newest = Directory.GetFiles(Path.Combine(folder.Path, "0"), "events-*").Order(StringComparer.Ordinal).Last();
            File.AppendAllText(newest, "half a li"); // a kill in the middle of a write
        }
        using Spool last = Spool.Open(folder.Path, 1L << 30);
        while (last.Next(7) is ({ } lines, > 0, { } end))
        {
            read.AddRange(System.Text.Encoding.UTF8.GetString(lines).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            last.Settle(end);
        }
        Assert.Equal(written, read);
        Assert.Equal(0, last.Waiting);
    }
}
