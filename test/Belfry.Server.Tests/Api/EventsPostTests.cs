using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Api;

/// <summary><c>POST /api/v1/events</c>.</summary>
public sealed class EventsPostTests
{
    const string Submitted = """{"id": "7", "kind": "submitted", "at": "2026-11-20T10:00:00Z", "task": "import", "args": [1]}""";
    const string Started = """{"id": "7", "kind": "started", "at": "2026-11-20T10:00:01Z", "worker": "w"}""";
    const string Succeeded = """{"id": "7", "kind": "succeeded", "at": "2026-11-20T10:00:03.5Z", "worker": "w", "result": {"rows": 3}}""";

    [Theory]
    [InlineData("array")]
    [InlineData("lines")]
    [InlineData("one by one")]
    public async Task One_event_an_array_and_lines_become_a_run_and_twice_is_once(string form)
    {
        await using ServerHost server = await StartAsync();
        string[] bodies = form switch { "array" => [$"\n[{Submitted},\n{Started}, {Succeeded}]"], "lines" => [$"{Submitted}\r\n\n{Started}\n{Succeeded}"], _ => [Started.Replace("\"worker\"", "\"task\": \"import\",\n\"worker\"", StringComparison.Ordinal), Submitted, Succeeded] };
        for (int time = 0; time < 2; time++)
        {
            foreach (string body in bodies)
            {
                (HttpStatusCode status, JsonElement answer) = await PostAsync(server, body);
                Assert.True(status == HttpStatusCode.Accepted, answer.ToString());
                Assert.Equal(3 / bodies.Length, answer.GetProperty("accepted").GetInt32());
            }
        }
        JsonElement run = Assert.Single((await server.JsonAsync("/api/v1/runs")).GetProperty("items").EnumerateArray());
        Assert.Equal(("7", "api", "import", "Completed"), (Text(run, "id"), Text(run, "source"), Text(run, "task"), Text(run, "state")));
        Assert.Equal(("[1]", """{"rows": 3}""", "w"), (Text(run, "args"), Text(run, "result"), Text(run, "worker")));
        Assert.Equal(2.5, run.GetProperty("runtime").GetDouble());
    }

    [Fact]
    public async Task A_bad_line_is_named_and_the_valid_ones_are_kept()
    {
        await using ServerHost server = await StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(server, $$"""
            {{Submitted}}
            {"id": "8", "kind": "begun", "at": 1}
            {"id": "9", "kind"
            {{Started}}
            {"id": "10", "kind": "started", "at": "2026-11-20T10:00:01Z"}
            {"id": "11", "kind": "started", "at": "2026-11-20T10:00:01Z", "task": "\ud800"}
            """);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal((2, "kind", 2, 4), (answer.GetProperty("line").GetInt32(), Text(answer, "field"), answer.GetProperty("accepted").GetInt32(), answer.GetProperty("refused").GetInt32()));
        Assert.Contains("Line 2: 'kind' 'begun' is not known", Text(answer, "detail"), StringComparison.Ordinal);
        Assert.Equal([(2, "kind"), (3, ""), (5, "task"), (6, "")], answer.GetProperty("errors").EnumerateArray().Select(error => (error.GetProperty("line").GetInt32(), Text(error, "field"))));
        Assert.Equal("Running", Text(Assert.Single((await server.JsonAsync("/api/v1/runs")).GetProperty("items").EnumerateArray()), "state"));
        Assert.Equal(4, (await server.Log.Queries.RefusalsAsync(ServerHost.Cancel)).Sum(refusal => refusal.Times));
    }

    [Fact]
    public async Task Ids_that_nobody_knows_are_refused_however_many_they_are()
    {
        await using ServerHost server = await StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(server, Submitted)).Status);
        string unknown = string.Concat(Enumerable.Range(0, 50_000).Select(id => $$"""{"id": "n{{id}}", "kind": "started", "at": 1}{{'\n'}}"""));
        (HttpStatusCode status, JsonElement answer) = await PostAsync(server, $"{unknown}{Started}");
        Assert.Equal((HttpStatusCode.BadRequest, 1, 50_000), (status, answer.GetProperty("accepted").GetInt32(), answer.GetProperty("refused").GetInt32()));
    }

    [Theory]
    [InlineData("x\n", "x\n", "")]
    [InlineData("[", "1,", "1]")]
    public async Task A_body_of_mistakes_is_not_read_to_its_end(string begin, string mistake, string end)
    {
        await using ServerHost server = await StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(server, $"{begin}{string.Concat(Enumerable.Repeat(mistake, 1_000_000))}{end}");
        Assert.Equal((HttpStatusCode.BadRequest, 0, 10_001), (status, answer.GetProperty("accepted").GetInt32(), answer.GetProperty("refused").GetInt32()));
    }

    [Theory]
    [InlineData("[{\"id\": 1},\n{]")]
    [InlineData("[1, 2]")]
    [InlineData("no json")]
    [InlineData("\"text\"")]
    public async Task What_is_no_event_is_refused(string body)
    {
        await using ServerHost server = await StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(server, body);
        Assert.Equal((HttpStatusCode.BadRequest, 0), (status, answer.GetProperty("accepted").GetInt32()));
    }

    [Fact]
    public async Task Nothing_is_nothing_and_too_much_is_refused_before_it_is_read()
    {
        await using ServerHost server = await StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(server, "\n\n")).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(server, "[]")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(server, new string(' ', 17 * 1024 * 1024))).Status);
    }

    [Fact]
    public async Task Those_who_send_byte_by_byte_do_not_hold_up_the_others_for_long()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using ServerHost server = await StartAsync(clock: clock);
        var slow = new List<TcpClient>();
        try
        {
            byte[] answer = new byte["HTTP/1.1 100 Continue\r\n\r\n".Length];
            for (int sender = 0; sender < 8; sender++)
            {
                var one = new TcpClient();
                slow.Add(one);
                await one.ConnectAsync("127.0.0.1", server.Client.BaseAddress!.Port, ServerHost.Cancel);
                await one.GetStream().WriteAsync(
                    "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sending\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n{"u8.ToArray(), ServerHost.Cancel);
                await one.GetStream().ReadExactlyAsync(answer, ServerHost.Cancel); // it is being read
            }
            Task trickling = Task.WhenAll(slow.Select(one => TrickleAsync(one.GetStream())));
            Task<(HttpStatusCode Status, JsonElement)> posted = PostAsync(server, Submitted);
            await Eventually.HoldsAsync("the event is taken", () =>
            {
                clock.Advance(TimeSpan.FromSeconds(20));
                return posted.IsCompleted;
            });
            Assert.Equal(HttpStatusCode.Accepted, (await posted).Status);
            await slow[0].GetStream().ReadExactlyAsync(answer, ServerHost.Cancel);
            Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(answer));
            slow.ForEach(one => one.Dispose());
            await trickling;
        }
        finally
        {
            slow.ForEach(one => one.Dispose());
        }
    }

    /// <summary>Faster than what Kestrel itself gives up, which is 240 bytes a second.</summary>
    static async Task TrickleAsync(NetworkStream to)
    {
        try
        {
            while (true)
            {
                await to.WriteAsync(new byte[100], ServerHost.Cancel);
                await Task.Delay(100, ServerHost.Cancel);
            }
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            // it was given up
        }
    }

    [Fact]
    public async Task A_server_that_captures_nothing_does_not_say_that_it_did()
    {
        await using ServerHost server = await StartAsync(settings => settings.Log.Enabled = false);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await PostAsync(server, Submitted)).Status);
    }

    [Fact]
    [Trait("row", "83")]
    public async Task A_token_that_may_write_may_send_and_nothing_else_also_to_a_read_only_server()
    {
        await using ServerHost server = await StartAsync(settings => settings.Access.ReadOnly = true);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(server, Submitted, null)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(server, Submitted, ServerHost.Token)).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(server, Submitted)).Status);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "sending");
        using HttpResponseMessage read = await server.GetAsync("/api/v1/runs");
        Assert.Equal(HttpStatusCode.Forbidden, read.StatusCode);
    }

    /// <summary>A server with a token that may only send, and a client with one that may only read.</summary>
    static async Task<ServerHost> StartAsync(Action<BelfrySettings>? change = null, TimeProvider? clock = null)
    {
        ServerHost server = await ServerHost.StartAsync(guarded: true, change: change, clock: clock);
        await server.AddTokenAsync("sender", "sending", Scope.Write);
        return server.WithToken();
    }

    static async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(ServerHost server, string body, string? token = "sending")
    {
        using var client = new HttpClient { BaseAddress = server.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        client.DefaultRequestHeaders.ExpectContinue = body.Length > 1024 * 1024; // who is refused before he has sent it all sees the answer
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/api/v1/events", UriKind.Relative), content, ServerHost.Cancel);
        string text = await answer.Content.ReadAsStringAsync(ServerHost.Cancel);
        return (answer.StatusCode, text.StartsWith('{') ? JsonDocument.Parse(text).RootElement.Clone() : default);
    }

    static string? Text(JsonElement json, string field) => json.TryGetProperty(field, out JsonElement value) ? value.ToString() : null;
}
