using System.Net;
using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Server.Tests.Cli;

/// <summary>The command, run as its users run it.</summary>
public sealed class CommandTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Users_and_tokens_are_added_to_the_settings_file_and_its_comments_stay()
    {
        Assert.Equal(0, (await RunAsync("init")).Code);
        string[] before = File.ReadAllLines(_folder.File("belfry.json"));
        Finished user = await RunAsync(["user", "add", "mara"], "correct horse\n");
        Assert.True(user.Code == 0, user.Errors);
        Finished token = await RunAsync("token", "add", "reader", "--scope", "read", "--scope", "run");
        Assert.Matches("^belfry_[0-9a-f]{64}\n$", token.Output);
        string after = File.ReadAllText(_folder.File("belfry.json"));
        Assert.All(before.Where(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal)), line => Assert.Contains(line, after));
        Assert.DoesNotContain("correct horse", after);
        Assert.DoesNotContain(token.Output.Trim(), after);

        await using BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path, token.Output.Trim());
        using HttpResponseMessage runs = await server.Http.GetAsync("/api/v1/runs", Cancel);
        Assert.Equal(HttpStatusCode.OK, runs.StatusCode);
        using HttpResponseMessage page = await server.Http.GetAsync("/log", Cancel);
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_name_that_is_taken_and_a_short_password_are_refused()
    {
        await RunAsync("init");
        Assert.Equal(2, (await RunAsync(["user", "add", "mara"], "short\n")).Code);
        Assert.Equal(0, (await RunAsync(["user", "add", "mara"], "correct horse\n")).Code);
        Finished again = await RunAsync(["user", "add", "mara"], "correct horse\n");
        Assert.Equal(1, again.Code);
        Assert.Equal("belfry: a user 'mara' is there already\n", again.Errors);
    }

    [Fact]
    public async Task Without_a_settings_file_what_belongs_into_it_is_printed()
    {
        Finished user = await RunAsync(["user", "add", "mara", "--role", "viewer"], "correct horse\n");
        using var snippet = JsonDocument.Parse(user.Output);
        Assert.Equal("viewer", snippet.RootElement.GetProperty("Access").GetProperty("Users")[0].GetProperty("Role").GetString());
        Assert.False(File.Exists(_folder.File("belfry.json")));
    }

    [Fact]
    [Trait("row", "120")]
    public async Task Wrong_settings_from_file_environment_and_options_are_listed_and_nothing_starts()
    {
        await File.WriteAllTextAsync(_folder.File("belfry.json"), """{ "Mial": {} }""", Cancel);
        Finished refused = await BelfryProcess.RunAsync(
            ["serve", "--store", "nowhere"], _folder.Path, new Dictionary<string, string?> { ["BELFRY__Mail__Port"] = "x" });
        Assert.Equal(2, refused.Code);
        Assert.Equal("", refused.Output);
        string[] lines = refused.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["belfry: 3 settings are wrong", "  Mail:Port", "  Mial", "  Store"], lines.Select(line => line.Split("  is ")[0].Split("  '")[0].TrimEnd()));
    }

    [Theory]
    [InlineData(2, "serv")]
    [InlineData(2, "serve", "--nonsense")]
    [InlineData(2, "serve", "--urls", "http://0.0.0.0:1")]
    [InlineData(2, "serve", "--demo", "--urls", "http://0.0.0.0:1")]
    [InlineData(2, "serve", "--broker", "amqp://localhost")]
    [InlineData(2, "doctor", "--config", "nothing.json")]
    [InlineData(69, "serve", "--store", "sqlite:///proc/no/such/folder.db", "--urls", "http://127.0.0.1:0")]
    [InlineData(1, "doctor", "--store", "sqlite://nothing.db")]
    public async Task Exit_codes_tell_what_went_wrong(int code, params string[] line)
    {
        Finished ended = await RunAsync(line);
        Assert.True(ended.Code == code, $"{ended.Code}: {ended.Errors}");
        Assert.NotEqual("", ended.Errors);
        Assert.DoesNotContain("   at ", ended.Errors);
    }

    [Theory]
    [InlineData("user", "add", "mara", "--role", "boss")]
    [InlineData("token", "add", "grafana", "--scope", "boss")]
    [InlineData("monitor", "latest-run", "--task", "a", "5", "--by", "boss")]
    public async Task A_word_that_an_option_does_not_know_is_told_in_one_line_with_those_it_knows(params string[] line)
    {
        string told = (await RunAsync(line)).Errors.Trim();
        Assert.Contains("boss", told, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', told);
        Assert.DoesNotContain("Belfry.Server", told, StringComparison.Ordinal);
        Assert.True(told.Contains("operator", StringComparison.Ordinal) || told.Contains("manage", StringComparison.Ordinal) || told.Contains("success", StringComparison.Ordinal), told);
    }

    [Fact]
    public async Task It_stops_within_seconds_though_readers_of_live_events_stay()
    {
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", "redis://127.0.0.1:1/0"], _folder.Path);
        using HttpResponseMessage live = await server.Http.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
        long begin = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, await server.StopAsync());
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 0, 5);
        Assert.Contains("the log is closed", server.Process.Story());
    }

    [Fact]
    public async Task An_address_that_is_taken_is_told()
    {
        await using BelfryProcess first = await BelfryProcess.ServeAsync([], _folder.Path);
        Finished second = await RunAsync("serve", "--store", "memory:", "--urls", first.Address.ToString());
        Assert.Equal(69, second.Code);
        Assert.Contains("in use", second.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.DoesNotContain("   at ", second.Errors);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("init")]
    [InlineData("doctor")]
    [InlineData("user", "add")]
    [InlineData("token", "add")]
    public async Task Every_verb_explains_itself_with_an_example(params string[] verb)
    {
        Finished help = await RunAsync([.. verb, "--help"]);
        Assert.Equal(0, help.Code);
        Assert.Contains($"  belfry {string.Join(' ', verb)}", help.Output.Split("Example")[1]);
    }

    [Fact]
    public async Task Doctor_looks_beside_a_running_server()
    {
        await using BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path);
        Finished well = await RunAsync("doctor", "--json");
        Assert.True(well.Code == 0, well.Output);
        using var answer = JsonDocument.Parse(well.Output);
        Assert.Equal(0, answer.RootElement.GetProperty("problems").GetInt32());
        Assert.Equal("store", answer.RootElement.GetProperty("findings")[0].GetProperty("subject").GetString());
        await File.WriteAllTextAsync(_folder.File("other.json"), """{ "Mail": { "Host": "127.0.0.1", "Port": 1 }, "Sources": [ { "Broker": "redis://127.0.0.1:1/0" } ] }""", Cancel);
        Finished ill = await RunAsync("doctor", "--config", "other.json");
        Assert.Equal(1, ill.Code);
        Assert.Contains("✖ broker", ill.Output);
        Assert.Contains("✖ mail", ill.Output);
        Assert.Contains("2 problems.", ill.Errors);
    }

    Task<Finished> RunAsync(params string[] line) => RunAsync(line, null);

    Task<Finished> RunAsync(string[] line, string? input) => BelfryProcess.RunAsync(line, _folder.Path, input: input);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
