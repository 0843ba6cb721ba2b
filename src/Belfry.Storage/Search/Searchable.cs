namespace Belfry.Storage.Search;

/// <summary>A run of the feed, to be searched like one of the log.</summary>
sealed class Searchable(TaskRun run) : ISearchable
{
    public RunState State => run.State;

    public bool Has(Needle word) =>
        word.IsIn(run.Task) || word.IsIn(run.Id) || word.IsIn(run.Args) || word.IsIn(run.Kwargs) || word.IsIn(run.Result)
        || word.IsIn(run.Exception) || word.IsIn(run.Reason);

    public string? Text(SearchField field) => TextOf(run, field);

    public double? Number(SearchField field) => NumberOf(run, field);

    public static string? TextOf(TaskRun run, SearchField field) => field switch
    {
        SearchField.Task => run.Task,
        SearchField.Source => run.Source,
        SearchField.App => run.App ?? AppNames.Of(run.Task),
        SearchField.Worker => run.Worker,
        SearchField.Queue => run.Queue,
        SearchField.Id => run.Id,
        SearchField.Exception => run.ExceptionClass,
        SearchField.Args => run.Args,
        SearchField.Kwargs => run.Kwargs,
        SearchField.Result => run.Result,
        SearchField.Reason => run.Reason,
        SearchField.Context when run.Context is { } context => $"{context.Model} {context.Type} {context.Id}",
        _ => null,
    };

    public static double? NumberOf(TaskRun run, SearchField field) => field switch
    {
        SearchField.Runtime => run.Runtime,
        SearchField.Wait => run.Waited,
        SearchField.Attempt => run.Attempt,
        SearchField.Priority => run.Priority,
        SearchField.Started => run.Started?.Micros,
        SearchField.Updated => run.Updated.Micros,
        SearchField.Eta => run.Eta?.Micros,
        _ => null,
    };
}
