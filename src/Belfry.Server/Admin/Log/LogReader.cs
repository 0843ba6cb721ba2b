using Belfry.Storage;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Admin;

/// <summary>Reads what the log page shows: one page, one count, one set of figures, side by side, each with a short deadline.</summary>
sealed partial class LogReader(RunQueries queries, ILogger<LogReader> log)
{
    // The page must come at once; a search that takes longer says how far it got and offers to go on.
    static readonly TimeSpan PageDeadline = TimeSpan.FromMilliseconds(800);
    static readonly TimeSpan CountDeadline = TimeSpan.FromMilliseconds(120);
    const int CountLimit = 10_000;

    // Rollups of a longer span cost more than a page may; "all time" shows the figures of this much.
    static readonly TimeSpan LongestFigures = TimeSpan.FromDays(30);

    public async Task<LogView> ReadAsync(LogQuery query, PageFrame frame, CancellationToken cancel)
    {
        RunFilter filter = query.Filter(frame.Clock, out string? problem);
        LogView view = new() { Frame = frame, Query = query, Filter = filter, Problem = problem, Understood = problem is null };
        if (problem is not null)
        {
            return view;
        }
        try
        {
            return await FillAsync(view, cancel);
        }
        catch (FormatException cursor)
        {
            return view with { Problem = $"cursor: {cursor.Message}", Understood = false };
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            CannotRead(log, error);
            return view with { Problem = $"The log cannot be read: {error.Message}" };
        }
    }

    async Task<LogView> FillAsync(LogView view, CancellationToken cancel)
    {
        Task<RunPage> page = queries.PageAsync(view.Filter, LogQuery.PageSize, view.Query.Cursor, PageDeadline, cancel);
        Task<RunCount> count = queries.CountAsync(view.Filter, CountLimit, CountDeadline, cancel);
        Task<LogFigures?> figures = FiguresAsync(view, cancel);
        Task<IReadOnlyList<string>>[] names =
            [.. NamedFields.Select(field => queries.NamesAsync(field.Kind, cancel)), queries.NamesAsync(NameKind.Task, cancel)];
        await Task.WhenAll([page, count, figures, .. names]);
        bool nothingYet = (await page).Items.Count == 0 && (await names[^1]).Count == 0;
        return view with
        {
            Page = await page,
            Count = await count,
            Figures = await figures,
            Names = NamedFields.Select((field, index) => (field.Field, Names: names[index].Result)).ToDictionary(field => field.Field, field => field.Names, StringComparer.Ordinal),
            NothingYet = nothingYet,
            Sources = nothingYet ? await queries.SourcesAsync(cancel) : [],
        };
    }

    async Task<LogFigures?> FiguresAsync(LogView view, CancellationToken cancel)
    {
        RunFilter filter = view.Filter;
        bool answered = filter is { Text: null, Sources.Count: 0, Queues.Count: 0, Workers.Count: 0, Exceptions.Count: 0, Apps.Count: 0, MinRuntime: null }
            && !filter.Tasks.Any(task => task.Contains('*', StringComparison.Ordinal));
        Instant to = filter.To ?? view.Frame.Clock.Now;
        Instant from = Instant.Max(filter.From ?? to - LongestFigures, to - LongestFigures);
        return answered && from < to ? await queries.FiguresAsync(from, to, filter.Tasks, cancel) : null;
    }

    static readonly (string Field, NameKind Kind)[] NamedFields = [("source", NameKind.Source), ("queue", NameKind.Queue), ("worker", NameKind.Worker)];

    [LoggerMessage(700, LogLevel.Error, "The log cannot be read for a page")]
    static partial void CannotRead(ILogger logger, Exception error);
}
