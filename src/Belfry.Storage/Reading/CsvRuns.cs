using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Storage.Reading;

/// <summary>A log of CSV, read as it is now into a store in memory: what can be asked of a log can be asked of it.</summary>
static class CsvRuns
{
    const int AtOnce = 10_000; // events, so that a long file is not held twice

    public static async Task<RunQueries> OpenAsync(StoreUrl url, TimeProvider clock, CancellationToken cancel)
    {
        RunLog log = await RunLog.OpenAsync(StoreUrl.Parse("memory:"), new RunLogOptions(), clock, NullLoggerFactory.Instance, cancel);
        try
        {
            foreach (TaskEvent[] events in CsvLog.Read(url.Folder!).Chunk(AtOnce))
            {
                await log.AppendAsync(events, cancel);
            }
            log.Queries.Behind = log;
            return log.Queries;
        }
        catch (Exception wrong)
        {
            await log.DisposeAsync();
            bool isMissing = wrong is FileNotFoundException or DirectoryNotFoundException;
            throw isMissing ? new StoreException($"{url} is not there.", wrong) { IsMissing = true }
                : wrong is IOException or UnauthorizedAccessException or FormatException ? new StoreException($"{url} cannot be read: {wrong.Message}", wrong)
                : wrong;
        }
    }
}
