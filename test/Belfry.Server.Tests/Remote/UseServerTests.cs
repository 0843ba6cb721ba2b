using Belfry.Server.Access;
using Belfry.Storage;
using Belfry.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static Belfry.Conditions;

namespace Belfry.Server.Tests.Remote;

/// <summary>An application that reports to a server.</summary>
public sealed class UseServerTests : IDisposable
{
    const string Sending = "sending";
    readonly TempFolder _folder = new();

    [Fact]
    [Trait("row", "50")]
    public async Task Its_tasks_run_are_in_the_servers_log_and_are_not_run_again_by_the_next_process_on_an_empty_disk()
    {
        await using ServerHost server = await StartAsync();
        int runs = 0;
        for (int process = 0; process < 2; process++)
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Error);
            builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
            builder.Services.AddBelfry(belfry =>
            {
                belfry.Options.Source = "shop@test";
                belfry.UseServer(server.Client.BaseAddress!.ToString(), Sending, options => options.Folder = _folder.File($"spool {process}"));
                belfry.AddTask("import", Daily, () => Interlocked.Increment(ref runs));
                belfry.AddTask($"after {process}", AfterSuccess("import"), () => "done");
            });
            await using WebApplication application = builder.Build();
            await application.StartAsync(ServerHost.Cancel);
            await Eventually.HoldsAsync("its task ended", async () => (await server.Log.Queries.LastEndAsync($"after {process}", "shop@test", [RunState.Completed], ServerHost.Cancel)) is not null);
            await application.StopAsync(ServerHost.Cancel);
        }
        Assert.Equal(1, runs);
        TaskRun import = Assert.Single((await server.Log.Queries.PageAsync(new RunFilter { Tasks = ["import"] }, 10, null, null, ServerHost.Cancel)).Items);
        Assert.Equal(("shop@test", RunState.Completed, "1"), (import.Source, import.State, import.Result));
    }

    [Fact]
    [Trait("row", "49")]
    public async Task A_process_that_was_killed_has_told_everything_that_was_appended()
    {
        await using ServerHost server = await StartAsync();
        int done = 0;
        await using ServerLog log = Open(new Uri($"http://127.0.0.1:{Machine.FreePort()}"), "spool");
        using var over = new CancellationTokenSource();
        Task appending = Task.Run(async () =>
        {
            for (int n = 0; !over.IsCancellationRequested; n++)
            {
                await log.AppendAsync([Event(n, EventKind.Started), Event(n, EventKind.Succeeded)], ServerHost.Cancel);
                Volatile.Write(ref done, n + 1);
            }
        }, ServerHost.Cancel);
        await Eventually.HoldsAsync("some are appended", () => Volatile.Read(ref done) > 500);
        int before = Volatile.Read(ref done);
        Directory.CreateDirectory(_folder.File("copy/0"));
        foreach (string file in Directory.GetFiles(_folder.File("spool/0"), "events-*"))
        {
            File.Copy(file, _folder.File($"copy/0/{Path.GetFileName(file)}")); // as a kill in this moment would leave it, half a line perhaps
        }
        await over.CancelAsync();
        await appending;

        await using ServerLog next = Open(server.Client.BaseAddress!, "copy");
        await Eventually.HoldsAsync("the spool is empty", () => next.Waiting == 0);
        RunCount count = await server.Log.Queries.CountAsync(new RunFilter { States = [RunState.Completed] }, 1_000_000, TimeSpan.FromMinutes(1), ServerHost.Cancel);
        Assert.InRange(count.Runs, before, done);
        Assert.Equal(0, next.Refused);
    }

    [Fact]
    [Trait("row", "50")]
    public async Task The_past_comes_from_the_server_and_without_it_from_the_file_beside_the_spool()
    {
        await using ServerHost server = await StartAsync();
        Instant noon = Instant.Now(TimeProvider.System) - TimeSpan.FromHours(1);
        await server.AppendAsync(
        [
            .. Enumerable.Range(0, 40).SelectMany(n => new[] { Event(n, EventKind.Started, noon), Event(n, n % 10 == 3 ? EventKind.Failed : EventKind.Succeeded, noon) }),
            Event(50, EventKind.Started, noon), Event(60, EventKind.Started, noon) with { Source = "another" },
        ]);
        await using (ServerLog log = Open(server.Client.BaseAddress!, "spool"))
        {
            await KnowsAsync(log);
            await log.AppendAsync([Event(51, EventKind.Started, noon)], ServerHost.Cancel);
        }
        await using (ServerLog away = Open(new Uri($"http://127.0.0.1:{Machine.FreePort()}"), "spool"))
        {
            await KnowsAsync(away);
            Assert.Equal("run-51", (await away.LastAsync("import", RunAction.Started, ServerHost.Cancel))!.Id);
        }

        async Task KnowsAsync(ServerLog log)
        {
            IReadOnlyDictionary<string, TaskHistory> histories = await log.HistoriesAsync(new Dictionary<string, Instant> { ["import"] = noon, ["never"] = noon }, ServerHost.Cancel);
            Assert.Equal(["import"], histories.Keys);
            Assert.Equal("run-39", (await log.LastAsync("import", RunAction.Succeeded, ServerHost.Cancel))!.Id);
            Assert.Equal("run-33", (await log.LastAsync("import", RunAction.Failed, ServerHost.Cancel))!.Id);
            Assert.Contains("run-50", (await log.ListAsync(RunQuery.Where(RunFields.State == RunState.Running), ServerHost.Cancel)).Select(run => run.Id));
            Assert.Equal(0, await log.CountAsync(RunQuery.Where(RunFields.Source == "another"), ServerHost.Cancel));
            Assert.Equal(0, log.Waiting); // what the server told is not sent back
        }
    }

    [Fact]
    public async Task A_wrong_token_keeps_everything_and_says_so()
    {
        await using ServerHost server = await StartAsync();
        await using ServerLog log = Open(server.Client.BaseAddress!, "spool", "wrong");
        await log.AppendAsync([Event(1, EventKind.Started)], ServerHost.Cancel);
        await Eventually.HoldsAsync("it was refused", () => log.Problem is not null);
        Assert.Contains("401", log.Problem, StringComparison.Ordinal);
        Assert.True(log.Waiting > 0);
    }

    [Theory]
    [InlineData("belfry.example.com", "t")]
    [InlineData("ftp://belfry.example.com", "t")]
    [InlineData("https://belfry.example.com", " ")]
    public void An_address_that_is_none_and_no_token_are_told_when_it_is_registered(string url, string token) =>
        Assert.Contains("UseServer", Assert.Throws<RegistrationException>(() => new ServiceCollection().AddBelfry(belfry => belfry.UseServer(url, token))).Message, StringComparison.Ordinal);

    public void Dispose() => _folder.Dispose();

    static async Task<ServerHost> StartAsync()
    {
        ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("shop", Sending, Scope.Write, Scope.Read);
        return server;
    }

    ServerLog Open(Uri server, string folder, string token = Sending) =>
        new(server, token, "shop", new ServerLogOptions { Folder = _folder.File(folder), Wait = TimeSpan.FromMilliseconds(20) }, TimeProvider.System, NullLogger.Instance);

    static TaskEvent Event(int n, EventKind kind, Instant? begin = null) => new()
    {
        Source = "shop", Id = $"run-{n}", Kind = kind, At = (begin ?? Instant.Now(TimeProvider.System)) + TimeSpan.FromSeconds(n + (kind == EventKind.Started ? 0 : 0.5)), Task = "import", Attempt = 1, Worker = "w",
    };
}
