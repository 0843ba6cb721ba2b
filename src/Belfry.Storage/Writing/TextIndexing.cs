using Microsoft.Extensions.Logging;

namespace Belfry.Storage.Writing;

/// <summary>Lets the index of texts follow the log, or go away, until the log is closed.</summary>
sealed partial class TextIndexing(ITextIndex index, TimeProvider clock, ILogger logger)
{
    static readonly TimeSpan Rest = TimeSpan.FromSeconds(1), Refused = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            for (TextWork left = TextWork.More; left != TextWork.Over;)
            {
                left = await WorkAsync(stop);
            }
        }
        catch (NotSupportedException lacking)
        {
            LogLacking(lacking.Message);
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException && stop.IsCancellationRequested)
        {
            // the log closes; what is missing is put in after the next start
        }
        finally
        {
            (index as IDisposable)?.Dispose();
        }
    }

    async Task<TextWork> WorkAsync(CancellationToken stop)
    {
        TextWork left;
        try
        {
            left = await index.WorkAsync(stop);
        }
        catch (Exception refused) when (refused is not (NotSupportedException or OperationCanceledException or ObjectDisposedException))
        {
            LogRefused(refused, refused.Message); // whatever it is, the next try may go on; else searches would get slower and nobody knew why
            await Task.Delay(Refused, clock, stop);
            return TextWork.More;
        }
        if (left == TextWork.Rest)
        {
            await Task.Delay(Rest, clock, stop);
        }
        return left;
    }

    [LoggerMessage(11, LogLevel.Warning, "There is no full-text index, and free text is searched by reading rows: {Problem}")]
    partial void LogLacking(string problem);

    [LoggerMessage(12, LogLevel.Warning, "The full-text index waits: {Problem}")]
    partial void LogRefused(Exception exception, string problem);
}
