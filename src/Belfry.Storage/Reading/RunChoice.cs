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

    /// <summary>
    /// They, a thousand or so at a time and oldest first: so the last run of a task goes last. When that is deleted, the log looks through all that are left of the task
    /// for the one before; newest first it would do so again and again.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<TaskRun>> FindAsync(RunQueries log, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (Id is { } id)
        {
            yield return [.. (await log.FindAsync(id, Source, cancel)).Where(Means)];
            yield break;
        }
        var begins = new Stack<Instant>(); // of stretches of a page each
        await foreach (IReadOnlyList<TaskRun> page in PagesAsync(log, Filter, cancel))
        {
            begins.Push(page[^1].At);
        }
        while (begins.TryPop(out Instant from))
        {
            RunFilter stretch = Filter with { From = from, To = begins.TryPeek(out Instant to) ? to : null };
            await foreach (IReadOnlyList<TaskRun> page in PagesAsync(log, stretch, cancel))
            {
                yield return page;
            }
        }
    }

    /// <summary>How many they are.</summary>
    public async Task<long> CountAsync(RunQueries log, CancellationToken cancel)
    {
        if (Id is { } id)
        {
            return (await log.FindAsync(id, Source, cancel)).Count(Means);
        }
        long count = 0;
        await foreach (IReadOnlyList<TaskRun> page in PagesAsync(log, Filter, cancel))
        {
            count += page.Count;
        }
        return count;
    }

    /// <summary>What the log can look for. A star in a name would stand for anything: what is found is asked once more.</summary>
    RunFilter Filter => new() { Apps = App is null ? [] : [App], Tasks = Task is null ? [] : [Task], Sources = Source is null ? [] : [Source], States = Ended };

    /// <summary>Those that are meant among what a filter finds, newest first; no page is empty.</summary>
    async IAsyncEnumerable<IReadOnlyList<TaskRun>> PagesAsync(RunQueries log, RunFilter filter, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? cursor = null;
        do
        {
            RunPage page = await log.PageAsync(filter, PageSize, cursor, SearchTime, cancel);
            TaskRun[] meant = [.. page.Items.Where(Means)];
            if (meant.Length > 0)
            {
                yield return meant;
            }
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>The choice in words.</summary>
    public override string ToString() =>
        (Id is not null ? $"id {Id}" : Task is not null ? $"task {Task}" : App is not null ? $"application {App}" : "all") + (Source is null ? "" : $" of {Source}");
}
