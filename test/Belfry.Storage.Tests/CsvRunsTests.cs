using Belfry.Testing;

namespace Belfry.Storage.Tests;

/// <summary>The log that an application keeps as CSV, read by a command.</summary>
public sealed class CsvRunsTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("row", "46")]
    public async Task Whatever_can_be_asked_of_a_log_can_be_asked_of_one_of_CSV_while_its_application_is_at_work()
    {
        using var folder = new TempFolder();
        await using CsvLog log = CsvLog.Open(folder.Path, new MemoryLogOptions(), TimeProvider.System);
        Instant now = Instant.Now(TimeProvider.System);
        TaskEvent began = new() { Source = "local", Id = "1", Kind = EventKind.Started, At = now, Attempt = 1, Task = "load", Worker = "app" };
        await log.AppendAsync([began, began with { Kind = EventKind.Failed, At = now + TimeSpan.FromSeconds(1), Exception = "OSError: no" }, began with { Id = "2", Task = "save" }], Cancel);
        for (int time = 0; time < 2; time++)
        {
            using RunQueries runs = await RunQueries.OpenAsync(StoreUrl.Parse($"csv://{folder.Path}"), TimeProvider.System, Cancel);
            Assert.Equal(["load", "save"], (await runs.PageAsync(new RunFilter(), 10, null, null, Cancel)).Items.Select(run => run.Task).Order());
            TaskRun failed = (await runs.LastEndAsync("load", null, [RunState.Failed], Cancel))!;
            Assert.Equal((RunState.Failed, "OSError: no", "app"), (failed.State, failed.Exception, failed.Worker));
        }
        await log.AppendAsync([began with { Id = "3" }], Cancel);
    }

    [Fact]
    public async Task It_is_only_read_and_what_is_no_log_is_refused_by_its_line()
    {
        using var folder = new TempFolder();
        StoreUrl url = StoreUrl.Parse($"csv://{folder.Path}");
        Assert.True((await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(url, TimeProvider.System, Cancel))).IsMissing);
        await File.WriteAllTextAsync(folder.File("events.csv"), "at;kind\n1;2;3\n", Cancel);
        StoreException wrong = await Assert.ThrowsAsync<StoreException>(() => RunQueries.OpenAsync(url, TimeProvider.System, Cancel));
        Assert.Contains("line 2", wrong.Message, StringComparison.Ordinal);
        StoreException written = await Assert.ThrowsAsync<StoreException>(
            () => RunLog.OpenAsync(url, new RunLogOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Cancel));
        Assert.Contains("only reads", written.Message, StringComparison.Ordinal);
    }
}
