using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>The programs of <c>samples/</c>, run as their readers run them; their logs read as any log.</summary>
public sealed partial class SampleTests : IDisposable
{
    const int Terminate = 15, Kill = 9;

    readonly TempFolder _folder = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("row", "36")]
    [Trait("row", "42")]
    [Trait("row", "43")]
    [Trait("row", "61")]
    public async Task The_worker_runs_its_six_tasks_and_stops_in_peace()
    {
        await using ChildProcess worker = Worker();
        foreach (string task in new[] { "fetch_prices", "store_prices", "squeeze_archive" })
        {
            await worker.LineAsync(line => line.Contains($"Task '{task}' succeeded", StringComparison.Ordinal));
        }
        await worker.LineAsync(line => line.Contains("Task 'fetch_prices' failed", StringComparison.Ordinal) && line.Contains("Shop.cs:", StringComparison.Ordinal));
        await worker.LineAsync(line => line.Contains("Task 'fetch_prices' succeeded", StringComparison.Ordinal) && line.Contains("attempt 2", StringComparison.Ordinal));
        worker.Signal(Terminate);
        Assert.Equal(0, await worker.ExitAsync());
        Assert.Contains("The scheduler started with 7 tasks", worker.Output, StringComparison.Ordinal); // one of them clears the log

        await using BelfryProcess belfry = await ServeAsync();
        var log = new LogReader(belfry.Http);
        LoggedRun stored = (await log.ListAsync("task=store_prices&state=Completed"))[0];
        Assert.Equal(("3", "local", "100"), (stored.Text("result"), stored.Text("source"), stored.Text("percent")));
        Assert.NotEmpty(await log.ListAsync("task=squeeze_archive&state=Completed"));
        Assert.Equal("shutdown", Assert.Single(await log.ListAsync("task=listen")) is { State: "Cancelled" } listen ? listen.Text("reason") : null);
        Assert.Equal("Completed", Assert.Single(await log.ListAsync("task=say_goodbye")).State);
        IReadOnlyList<LoggedRun> attempts = await log.AttemptsAsync((await log.ListAsync("task=fetch_prices&state=Retried"))[0].Id);
        Assert.Equal(["Retried", "Completed"], attempts.Select(attempt => attempt.State));
    }

    [Fact]
    [Trait("row", "50")]
    [Trait("row", "51")]
    public async Task A_worker_that_is_killed_takes_its_children_along_and_knows_afterwards_what_was_at_work()
    {
        await using (ChildProcess worker = Worker())
        {
            await worker.LineAsync(line => line.Contains("Task 'squeeze_archive' started", StringComparison.Ordinal));
            int child = await Eventually.GetAsync("a child is at work", () => Task.FromResult(ChildrenOf(worker.Id) is [var first, ..] ? (object)first : null)) is int id ? id : 0;
            worker.Signal(Kill);
            await worker.ExitAsync();
            await Eventually.HoldsAsync("the child ends with its parent", () => !Directory.Exists($"/proc/{child}"), TimeSpan.FromSeconds(5));
        }
        await using ChildProcess again = Worker();
        await again.LineAsync(line => line.Contains("A run of task 'listen' was lost when its process died", StringComparison.Ordinal));
        await again.LineAsync(line => line.Contains("Task 'listen' started", StringComparison.Ordinal));
        again.Signal(Terminate);
        await again.ExitAsync();

        await using BelfryProcess belfry = await ServeAsync();
        IReadOnlyList<LoggedRun> runs = await new LogReader(belfry.Http).ListAsync("task=listen");
        Assert.Equal(["Lost", "Cancelled"], runs.OrderBy(run => run.Started).Select(run => run.State));
    }

    [Fact]
    [Trait("row", "36")]
    public async Task A_web_application_runs_tasks_in_processes_and_shows_them_under_a_path()
    {
        await using ChildProcess app = ChildProcess.Start(Program("WebApp"), ["--urls", $"http://127.0.0.1:{Machine.FreePort()}"], _folder.Path);
        var address = new Uri((await app.LineAsync(line => line.Contains("Now listening on:", StringComparison.Ordinal))).Split(": ")[1]);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = address };
        Assert.StartsWith("Visit 1.", await http.GetStringAsync(new Uri("/", UriKind.Relative), Cancel), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(new Uri("/belfry/api/v1/runs", UriKind.Relative), Cancel)).StatusCode);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await BelfryProcess.NewTokenAsync(_folder.Path, "--scope", "read", "--store", "sqlite://tasks.db"));
        await app.LineAsync(line => line.Contains("Task 'render_report' succeeded", StringComparison.Ordinal));

        var log = new LogReader(http, "/belfry");
        await Eventually.HoldsAsync("the token is known", async () => (await http.GetAsync(new Uri("/belfry/api/v1/runs", UriKind.Relative), Cancel)).IsSuccessStatusCode);
        LoggedRun rendered = (await log.ListAsync("task=render_report&state=Completed"))[0];
        int process = int.Parse(Number().Match(rendered.Text("result")!).Value, CultureInfo.InvariantCulture);
        Assert.NotEqual(app.Id, process);
        Assert.Equal($"in process {process}", rendered.Text("text"));

        string called = await PostAsync(http, "/reports/May");
        Assert.Equal("\"the report of May is sent\"", (await log.UntilAsync(called, "Completed"))[^1].Text("result"));
        string id = await PostAsync(http, "/crash");
        LoggedRun crashed = await Eventually.GetAsync("the crash is noticed", async () => (await log.AttemptsAsync(id)).FirstOrDefault(run => run.State == "Lost"));
        Assert.Contains("was ended by signal 6", crashed.Text("reason"), StringComparison.Ordinal);
        Assert.StartsWith("Visit 2.", await http.GetStringAsync(new Uri("/", UriKind.Relative), Cancel), StringComparison.Ordinal);
        await CheckPagesAsync(http);
        await CheckOutlookAsync();
        app.Signal(Terminate);
        Assert.Equal(0, await app.ExitAsync());
        Assert.Single(app.Output.Split('\n'), line => line.Contains("Now listening on:", StringComparison.Ordinal));
    }

    /// <summary>Another process reads from the store which tasks there are, why they start and when.</summary>
    async Task CheckOutlookAsync()
    {
        string[] store = ["--store", "sqlite://tasks.db"];
        Finished tasks = await BelfryProcess.RunAsync(["tasks", .. store], _folder.Path), why = await BelfryProcess.RunAsync(["why", "count_visits", .. store], _folder.Path);
        string[] listed = [.. tasks.Output.Trim().Split('\n').Skip(1).Select(line => line.Split(' ')[0])];
        Assert.Equal(["IReports.SendAsync", "count_visits", "crash", "render_report"], listed.Where(name => !name.StartsWith("belfry.", StringComparison.Ordinal)));
        Assert.Matches(@"^(true|false)\s+every 1 second: ", why.Output);
        Finished next = await BelfryProcess.RunAsync(["next", "count_visits", "-n", "3", .. store], _folder.Path);
        Assert.Equal((0, 3), (next.Code, next.Output.Trim().Split('\n').Length));
    }

    static async Task<string> PostAsync(HttpClient http, string path)
    {
        using HttpResponseMessage answer = await http.PostAsync(new Uri(path, UriKind.Relative), null, Cancel);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancel);
    }

    /// <summary>All that a page names lies under the path.</summary>
    static async Task CheckPagesAsync(HttpClient http)
    {
        using HttpResponseMessage closed = await http.GetAsync(new Uri("/belfry", UriKind.Relative), Cancel);
        Assert.Equal("/belfry/login?return=%2Fbelfry", closed.Headers.Location?.ToString());
        string page = await http.GetStringAsync(new Uri("/belfry/login", UriKind.Relative), Cancel);
        string[] named = [.. Address().Matches(page).Select(match => match.Groups["address"].Value)];
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.StartsWith("/belfry/", name, StringComparison.Ordinal));
        foreach (string name in named.Where(name => name.Contains('.')))
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(name.Split('#')[0], UriKind.Relative), Cancel)).StatusCode);
        }
    }

    ChildProcess Worker() => ChildProcess.Start(Program("Worker"), [], _folder.Path);

    async Task<BelfryProcess> ServeAsync()
    {
        string token = await BelfryProcess.NewTokenAsync(_folder.Path, "--scope", "read", "--store", "sqlite://tasks.db");
        return await BelfryProcess.ServeAsync(["--store", "sqlite://tasks.db"], _folder.Path, token);
    }

    static string Program(string sample) =>
        Path.Combine(Machine.Root, "samples", sample, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", sample);

    static int[] ChildrenOf(int process) =>
        [.. Process.GetProcessesByName("Worker").Where(other => IsChildOf(other.Id, process)).Select(other => other.Id)];

    static bool IsChildOf(int process, int parent)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{parent}";
        }
        catch (IOException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"\d+", RegexOptions.None, 1000)]
    private static partial Regex Number();

    [GeneratedRegex("(?:href|src|action)=\"(?<address>[^\"]+)\"", RegexOptions.None, 1000)]
    private static partial Regex Address();
}
