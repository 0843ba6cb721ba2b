using System.Runtime.CompilerServices;

namespace Belfry.Storage;

/// <summary>Ended runs that are to go: those of an application, of a task, of an id, of a source; or all. Names are meant exactly.</summary>
/// <param name="App">The application, as the log shows it.</param>
/// <param name="Task">The task's full name.</param>
/// <param name="Id">The run's id.</param>
/// <param name="Source">The source.</param>
public sealed record RunChoice(string? App = null, string? Task = null, string? Id = null, string? Source = null)
{
    const int PageSize = 1000;
    static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(10);

    static readonly RunState[] Ended = [.. Enum.GetValues<RunState>().Where(state => state.IsFinal())];

    /// <summary>Whether a run is meant.</summary>
    public bool Means(TaskRun run) =>
        run.State.IsFinal() && (Id is null || run.Id == Id) && (Task is null || run.Task == Task) && (Source is null || run.Source == Source)
        && (App is null || (run.App ?? AppNames.Of(run.Task)) == App);

    /// <summary>They, page by page and newest first.</summary>
    public async IAsyncEnumerable<IReadOnlyList<TaskRun>> FindAsync(RunQueries log, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (Id is { } id)
        {
            yield return [.. (await log.FindAsync(id, Source, cancel)).Where(Means)];
            yield break;
        }
        // A star in a name would stand for anything: what is found is asked once more.
        var filter = new RunFilter { Apps = App is null ? [] : [App], Tasks = Task is null ? [] : [Task], Sources = Source is null ? [] : [Source], States = Ended };
        string? cursor = null;
        do
        {
            RunPage page = await log.PageAsync(filter, PageSize, cursor, SearchTime, cancel);
            yield return [.. page.Items.Where(Means)];
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>How many they are.</summary>
    public async Task<long> CountAsync(RunQueries log, CancellationToken cancel)
    {
        long count = 0;
        await foreach (IReadOnlyList<TaskRun> page in FindAsync(log, cancel))
        {
            count += page.Count;
        }
        return count;
    }

    /// <summary>The choice in words.</summary>
    public override string ToString() =>
        (Id is not null ? $"id {Id}" : Task is not null ? $"task {Task}" : App is not null ? $"application {App}" : "all") + (Source is null ? "" : $" of {Source}");
}
