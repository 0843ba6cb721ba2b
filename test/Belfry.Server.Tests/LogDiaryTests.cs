using Belfry.Storage;
using Belfry.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Server.Tests;

public sealed class LogDiaryTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_received_is_committed_even_when_others_used_up_the_time_of_the_stop()
    {
        using var folder = new TempFolder();
        await using RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("sqlite://" + folder.File("log.db")), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        var diary = new LogDiary(log, new BelfrySettings(), TimeProvider.System, NullLogger<LogDiary>.Instance);
        Task appended = log.AppendAsync([.. Enumerable.Range(0, 5000).Select(id => new TaskEvent { Source = "s", Id = $"{id}", Kind = EventKind.Succeeded, At = new Instant(id), Task = "t" })], Cancel);
        await diary.StopAsync(new CancellationToken(canceled: true));
        Assert.True(appended.IsCompletedSuccessfully);
    }
}
