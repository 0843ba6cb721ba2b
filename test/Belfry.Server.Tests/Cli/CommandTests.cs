using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Belfry.Storage;
using Belfry.Storage.Definitions;
using Belfry.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Server.Tests.Cli;

/// <summary>The command, run as its users run it.</summary>
public sealed class CommandTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("row", "117")]
    public async Task Inspect_logs_tells_count_size_average_tasks_and_what_retention_would_delete()
    {
        string url = $"sqlite://{_folder.File("log.db")}";
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(url), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel))
        {
            Instant at = Instant.Now(TimeProvider.System);
            await log.AppendAsync([.. Enumerable.Range(0, 60).Select(n => new TaskEvent { Source = "s", Id = $"{n}", Kind = EventKind.Succeeded, At = at - TimeSpan.FromDays(n), Task = "t" })], Cancel);
        }
        Finished told = await RunAsync("inspect", "logs", "--store", url);
        Assert.Equal(0, told.Code);
        foreach (string line in (string[])["Log count in DB:         60", "Table size in DB:        ", "Average log size in DB:  ", "Retention would delete:  30 runs, about "])
        {
            Assert.Contains(line, told.Output, StringComparison.Ordinal);
        }
        using JsonDocument json = JsonDocument.Parse((await RunAsync("inspect", "logs", "--store", url, "--json")).Output);
        Assert.Equal(60, json.RootElement.GetProperty("count").GetInt64());
        Assert.Equal(30, json.RootElement.GetProperty("retention").GetProperty("runs").GetInt64());
        Assert.True(json.RootElement.GetProperty("retention").GetProperty("bytes").GetInt64() > 30 * 100);
    }

    [Fact]
    public async Task Why_and_next_tell_of_a_task_that_an_application_registered()
    {
        string url = $"sqlite://{_folder.File("log.db")}";
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(url), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel))
        {
            using var book = new TaskBook(log);
            Instant at = Instant.Now(TimeProvider.System);
            await book.RegisterAsync(
                [new BookedTask { Name = "import", Source = "local", Start = "cron 0 6 1 1 * & when 'it rains'", Options = "{}", Parameters = "[]", Process = "app-1@host", Registered = at, Seen = at }], Cancel);
        }
        Finished why = await RunAsync("why", "import", "--store", url);
        Assert.StartsWith("false  cron 0 6 1 1 * & when 'it rains'", why.Output, StringComparison.Ordinal);
        Assert.Equal("The function 'it rains' is known only in app-1@host; here it counts as false.\n", why.Errors);
        Assert.Equal("not within ten years, if nothing happens\n", (await RunAsync("next", "import", "--store", url)).Output);
        Finished unknown = await RunAsync("why", "nobody", "--store", url);
        Assert.Equal((1, ""), (unknown.Code, unknown.Output));
        Assert.Contains("no application has registered a task 'nobody'", unknown.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_server_is_asked_is_answered_as_the_command_itself_would()
    {
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse($"sqlite://{_folder.File("belfry.db")}"), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel))
        {
            using var book = new TaskBook(log);
            Instant at = Instant.Now(TimeProvider.System);
            await book.RegisterAsync(
                [
                    .. ((string[])["nightly/import", "report", "tidy"]).Select(name => new BookedTask
                    {
                        Name = name, Source = "local", Start = name == "tidy" ? "daily" : "cron 0 6 1 1 * & when 'it rains'", Options = "{}", Parameters = "[]", Process = "app-1@host", Registered = at, Seen = at,
                    }),
                ],
                Cancel);
            await log.AppendAsync([new TaskEvent { Source = "s", Id = "1", Kind = EventKind.Succeeded, At = at, Task = "never registered" }], Cancel);
        }
        string token = await BelfryProcess.NewTokenAsync(_folder.Path);
        await using BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path);
        foreach (string[] line in (string[][])[["tasks"], ["tasks", "--json"], ["why", "nightly/import"], ["why", "report", "--json"], ["next", "report"], ["next", "report", "-n", "3", "--json"], ["next", "-n", "3"], ["next", "--json"]])
        {
            Finished here = await RunAsync(line), there = await RunAsync([.. line, "--server", server.Address.ToString(), "--token", token]);
            Assert.True(there.Code == 0, there.Errors);
            Assert.Equal(Timeless(here.Output), Timeless(there.Output));
            Assert.Equal(here.Errors, there.Errors);
            Assert.Contains(line[0] == "next" ? "" : "it rains", there.Output, StringComparison.Ordinal);
        }
        Finished byVariable = await BelfryProcess.RunAsync(["tasks", "--server", server.Address.ToString()], _folder.Path, new Dictionary<string, string?> { ["BELFRY_TOKEN"] = token });
        Assert.True(byVariable.Code == 0, byVariable.Errors);
    }

    [Fact]
    public async Task What_a_server_refuses_is_told_in_a_sentence_and_never_with_the_token()
    {
        string token = await BelfryProcess.NewTokenAsync(_folder.Path);
        await using BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path);
        string at = server.Address.ToString(), secret = "belfry_secret";
        foreach ((int code, string told, string[] line) in (IEnumerable<(int, string, string[])>)
        [
            (2, "wants a token: --token T", ["why", "x", "--server", at]),
            (2, "belfry: ", ["why", "x", "--server", at, "--token", secret]),
            (1, "No application has registered a task 'a/b' here.", ["why", "a/b", "--server", at, "--token", token]),
            (1, "no .NET application has registered a task", ["tasks", "--server", at, "--token", token]),
            (1, "no application has registered a task", ["next", "--server", at, "--token", token]),
            (2, "from 1 to 1000", ["next", "x", "-n", "0", "--server", at, "--token", token]),
            (2, "use one of them", ["tasks", "--server", at, "--store", "memory:"]),
            (2, "--server is the address of a server", ["tasks", "--server", "localhost"]),
            (2, "--server is the address of a server", ["tasks", "--server", $"http://mara:{secret}@127.0.0.1:1"]),
            (2, "the token is none", ["tasks", "--server", at, "--token", $"{secret}ü"]),
            (69, "cannot be reached", ["tasks", "--server", "http://127.0.0.1:1", "--token", secret]),
            (69, "not as a Belfry server does", ["tasks", "--server", $"{at}no/such/place", "--token", secret]),
        ])
        {
            Finished ended = await RunAsync(line);
            Assert.True(ended.Code == code, $"{string.Join(' ', line)}: {ended.Code} {ended.Errors}");
            Assert.Contains(told, ended.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, ended.Errors + ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Users_and_tokens_of_the_command_work_at_once_beside_a_running_server_and_only_their_hashes_are_stored()
    {
        await using BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path);
        using HttpResponseMessage nobody = await server.Http.GetAsync("/api/v1/runs", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        Finished user = await RunAsync(["user", "add", "mara", "--role", "admin"], "correct horse\n");
        Assert.True(user.Code == 0, user.Errors);
        Finished token = await RunAsync("token", "add", "reader", "--scope", "read", "--scope", "run", "--expires", "1h");
        Assert.Matches("^belfry_[0-9a-f]{64}\n$", token.Output);
        server.Http.DefaultRequestHeaders.Authorization = new("Bearer", token.Output.Trim());
        await Eventually.HoldsAsync("the token works", async () => (await server.Http.GetAsync("/api/v1/runs", Cancel)).StatusCode == HttpStatusCode.OK);
        Assert.Equal(0, (await RunAsync("token", "revoke", "reader")).Code);
        await Eventually.HoldsAsync("it works no more", async () => (await server.Http.GetAsync("/api/v1/runs", Cancel)).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(0, await server.StopAsync());
        string[] stored = [.. Directory.GetFiles(_folder.Path, "belfry.db*").Select(file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)))];
        Assert.DoesNotContain(stored, bytes => bytes.Contains("correct horse", StringComparison.Ordinal) || bytes.Contains(token.Output.Trim(), StringComparison.Ordinal));
        Assert.Contains(stored, bytes => bytes.Contains("mara", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_an_administrator_the_start_prints_a_link_that_opens_the_form_for_the_first_one_and_later_it_does_not()
    {
        await using (BelfryProcess server = await BelfryProcess.ServeAsync([], _folder.Path))
        {
            string link = (await server.Process.LineAsync(line => line.Contains("/setup?key=", StringComparison.Ordinal))).Trim();
            Assert.Contains("First administrator", await server.Http.GetStringAsync(link, Cancel));
        }
        Assert.Equal(0, (await RunAsync(["user", "add", "mara", "--role", "admin"], "correct horse\n")).Code);
        await using BelfryProcess again = await BelfryProcess.ServeAsync([], _folder.Path);
        Assert.Equal(0, await again.StopAsync());
        Assert.DoesNotContain("/setup", again.Process.Story());
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(_folder.File("belfry.db")) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Fact]
    public async Task Users_and_tokens_are_listed_changed_and_taken_away_and_the_audit_tells_it()
    {
        Assert.Equal(2, (await RunAsync(["user", "add", "mara"], "short\n")).Code);
        Assert.Equal(0, (await RunAsync(["user", "add", "mara", "--role", "operator", "--grant", "delete", "--email", "mara@example.org"], "correct horse\n")).Code);
        Finished again = await RunAsync(["user", "add", "mara"], "correct horse\n");
        Assert.Equal((1, "belfry: a user 'mara' is there already\n"), (again.Code, again.Errors));
        Assert.Equal(0, (await RunAsync("user", "set", "mara", "--deny", "delete", "--grant", "purge", "--disable")).Code);
        Assert.Equal(0, (await RunAsync(["user", "passwd", "mara"], "battery staple\n")).Code);
        JsonElement mara = (await JsonAsync("user", "list", "--json"))[0];
        Assert.Equal(["view", "run", "manage", "purge"], mara.GetProperty("rights").EnumerateArray().Select(right => right.GetString()));
        Assert.True(mara.GetProperty("disabled").GetBoolean());
        Assert.Contains("disabled", (await RunAsync("user", "list")).Output);
        Assert.Equal(0, (await RunAsync("token", "add", "grafana")).Code);
        Assert.Equal("grafana", (await JsonAsync("token", "list", "--json"))[0].GetProperty("name").GetString());
        Assert.Equal(0, (await RunAsync("token", "revoke", "grafana")).Code);
        Assert.Equal(1, (await RunAsync("token", "revoke", "grafana")).Code);
        Assert.Equal(2, (await RunAsync("token", "add", "late", "--expires", "yesterday")).Code);
        Assert.Equal(0, (await RunAsync("user", "remove", "mara")).Code);
        Finished audit = await RunAsync("audit", "--json");
        Assert.Equal(
            ["user.remove", "token.revoke", "token.add", "user.password", "user.change", "user.add"],
            JsonDocument.Parse(audit.Output).RootElement.EnumerateArray().Select(row => row.GetProperty("what").GetString()));
        Assert.Equal(2, (await JsonAsync("audit", "--json", "--what", "token")).GetArrayLength());
        Assert.DoesNotContain("horse", audit.Output);
        Assert.Contains($"{Environment.UserName}@", (await RunAsync("audit")).Output);
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
    [InlineData(2, "serve", "--demo", "--urls", "http://0.0.0.0:1")]
    [InlineData(2, "serve", "--broker", "mqtt://localhost")]
    [InlineData(2, "doctor", "--config", "nothing.json")]
    [InlineData(2, "user", "add", "mara", "--password-file", "nothing")]
    [InlineData(2, "user", "add", "mara", "--email", "nowhere")]
    [InlineData(69, "user", "set", "mara", "--disable")]
    [InlineData(69, "token", "revoke", "grafana")]
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
        await using BelfryProcess server = await BelfryProcess.ServeAsync(["--broker", "redis://127.0.0.1:1/0"], _folder.Path, await BelfryProcess.NewTokenAsync(_folder.Path));
        using HttpResponseMessage live = await server.Http.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
        long begin = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, await server.StopAsync());
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin).TotalSeconds, 0, 5);
        Assert.Contains("the log is closed", server.Process.Story());
    }

    [Fact]
    public async Task What_answers_in_JSON_and_is_no_server_of_ours_is_told_as_that()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using WebApplication other = builder.Build();
        other.Run(context => context.Response.WriteAsJsonAsync(new { }));
        await other.StartAsync(Cancel);
        foreach (string[] line in (string[][])[["tasks"], ["call", "t"], ["inspect", "ping"]])
        {
            Finished ended = await RunAsync([.. line, "--server", other.Urls.Single()]);
            Assert.Equal((69, $"belfry: {other.Urls.Single()} answers, but not as a Belfry server of this version does\n"), (ended.Code, ended.Errors));
        }
    }

    [Fact]
    public async Task At_a_question_Ctrl_C_ends_it_and_nothing_is_done()
    {
        string url = $"sqlite://{_folder.File("log.db")}";
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(url), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel))
        {
            await log.AppendAsync([new TaskEvent { Source = "s", Id = "1", Kind = EventKind.Succeeded, At = Instant.Now(TimeProvider.System), Task = "t" }], Cancel);
        }
        await using ChildProcess purge = ChildProcess.Start("env", ["--default-signal=INT", BelfryProcess.Command, "purge", "logs", "--all", "--store", url], _folder.Path);
        await purge.LineAsync(line => line.Contains("ended runs", StringComparison.Ordinal));
        purge.Signal(2);
        Assert.Equal(1, await purge.ExitAsync(TimeSpan.FromSeconds(15))); // it would be ended after 30
        using RunQueries left = await RunQueries.OpenAsync(StoreUrl.Parse(url), TimeProvider.System, Cancel);
        Assert.Single(await left.FindAsync("1", null, Cancel));
    }

    [Fact]
    public async Task Wide_letters_keep_columns_and_control_characters_reach_no_terminal()
    {
        string url = $"sqlite://{_folder.File("log.db")}";
        await using (RunLog log = await RunLog.OpenAsync(StoreUrl.Parse(url), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel))
        {
            using var book = new TaskBook(log);
            Instant at = Instant.Now(TimeProvider.System);
            await book.RegisterAsync(
                [.. ((string[])["報告", "ab\u001b[2J\n"]).Select(name => new BookedTask { Name = name, Source = "local", Start = "daily", Options = "{}", Parameters = "[]", Process = "app", Registered = at, Seen = at })],
                Cancel);
        }
        string[] lines = (await RunAsync("tasks", "--store", url)).Output.Split('\n');
        Assert.Contains(lines, line => line.StartsWith("報告     daily", StringComparison.Ordinal)); // four columns of a terminal
        Assert.Contains(lines, line => line.StartsWith("ab\u241b[2J\u240a  daily", StringComparison.Ordinal));
        Assert.Contains("ab\\u001B[2J", (await RunAsync("tasks", "--store", url, "--json")).Output, StringComparison.OrdinalIgnoreCase);
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
    [InlineData("user", "set")]
    [InlineData("token", "add")]
    [InlineData("audit")]
    [InlineData("tasks")]
    [InlineData("why")]
    [InlineData("next")]
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

    // A function is asked again a second later, and what is matched is now.
    static string Timeless(string told) => Regex.Replace(told, @"\d{4}-\d\d-\d\d[T ][0-9:.]+", "an instant", RegexOptions.None, TimeSpan.FromSeconds(1));

    async Task<JsonElement> JsonAsync(params string[] line) => JsonDocument.Parse((await RunAsync(line)).Output).RootElement;

    Task<Finished> RunAsync(params string[] line) => RunAsync(line, null);

    Task<Finished> RunAsync(string[] line, string? input) => BelfryProcess.RunAsync(line, _folder.Path, input: input);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
