using System.Net;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

public sealed class LiveEventsTests
{
    [Fact]
    public async Task Changes_arrive_as_they_are_committed_and_only_those_that_match()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await using var stream = await Live.OpenAsync(server, "/api/v1/events?state=failed");
        await server.AppendAsync([.. SampleEvents.Success("a", 0), .. SampleEvents.Failure("c", 10)]);
        (string kind, string data, _) = await stream.NextAsync();
        Assert.Equal("run", kind);
        Assert.Equal("c", JsonDocument.Parse(data).RootElement.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_reader_who_comes_back_goes_on_where_it_was()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        string first;
        await using (var stream = await Live.OpenAsync(server, "/api/v1/events"))
        {
            await server.AppendAsync(SampleEvents.Success("a", 0));
            (_, _, first) = await stream.NextAsync();
        }
        await server.AppendAsync(SampleEvents.Success("b", 10));
        await using var again = await Live.OpenAsync(server, "/api/v1/events", first);
        (string kind, string data, _) = await again.NextAsync();
        Assert.Equal("run", kind);
        Assert.Equal("b", JsonDocument.Parse(data).RootElement.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_reader_whose_place_is_forgotten_gets_one_gap_first()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync(SampleEvents.Success("a", 0));
        await using var stream = await Live.OpenAsync(server, "/api/v1/events", "17");
        Assert.Equal("gap", (await stream.NextAsync()).Kind);
        Assert.Equal("run", (await stream.NextAsync()).Kind);
    }

    [Fact]
    public async Task A_reader_that_leaves_leaves_no_error_in_the_servers_log()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        for (int reader = 0; reader < 5; reader++)
        {
            await using var stream = await Live.OpenAsync(server, "/api/v1/events");
            await server.AppendAsync(SampleEvents.Success($"a{reader}", 0));
            await stream.NextAsync();
        }
        await server.StopAsync();
        Assert.Empty(server.Told);
    }

    [Fact]
    public async Task A_stream_ends_when_its_token_is_revoked()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using ServerHost server = (await ServerHost.StartAsync(guarded: true, clock: clock)).WithToken();
        await using var stream = await Live.OpenAsync(server, "/api/v1/events");
        Assert.Equal(AccountChange.Done, await server.Access.RevokeAsync("reader", Actor.Command, ServerHost.Cancel));
        Task<EndOfStreamException> ended = Assert.ThrowsAsync<EndOfStreamException>(stream.NextAsync);
        await Eventually.HoldsAsync("the stream has ended", () =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return ended.IsCompleted;
        });
        await ended;
    }

    [Theory]
    [InlineData("/api/v1/events?state=fine")]
    [InlineData("/api/v1/events?limit=1")]
    [InlineData("/api/v1/events?q=(")]
    public async Task What_is_not_understood_is_refused_before_anything_is_sent(string path)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.JsonAsync(path, HttpStatusCode.BadRequest);
    }

    /// <summary>A reader of server-sent events.</summary>
    sealed class Live(HttpResponseMessage answer, StreamReader lines) : IAsyncDisposable
    {
        public static async Task<Live> OpenAsync(ServerHost server, string path, string? last = null)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (last is not null)
            {
                request.Headers.Add("Last-Event-ID", last);
            }
            HttpResponseMessage answer = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ServerHost.Cancel);
            Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
            var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(ServerHost.Cancel));
            // The first comment says that the subscription stands.
            Assert.StartsWith(":", await lines.ReadLineAsync(ServerHost.Cancel));
            return new Live(answer, lines);
        }

        public async Task<(string Kind, string Data, string Id)> NextAsync()
        {
            string kind = "", data = "", id = "";
            while (await lines.ReadLineAsync(ServerHost.Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), ServerHost.Cancel) is { } line)
            {
                string[] parts = line.Split(": ", 2);
                (kind, data, id) = parts[0] switch { "event" => (parts[1], data, id), "data" => (kind, parts[1], id), "id" => (kind, data, parts[1]), _ => (kind, data, id) };
                if (line.Length == 0 && kind.Length > 0)
                {
                    return (kind, data, id);
                }
            }
            throw new EndOfStreamException();
        }

        public ValueTask DisposeAsync()
        {
            lines.Dispose();
            answer.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
