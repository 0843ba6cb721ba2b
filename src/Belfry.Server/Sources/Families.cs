using Belfry.Celery;
using Belfry.Celery.Results;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>
/// Finds the relatives of a run: who called it, whom it called, and the others of its group. Calls are in the log; of groups Celery's events say nothing, so
/// those are known as far as the result backend tells them.
/// </summary>
sealed class Families(Clusters clusters, RunQueries queries, TimeProvider clock)
{
    // So many runs are asked whether they are of a group that the application did not save: one question to the backend.
    const int MostAsked = 500;

    // A page waits no longer for a backend that does not answer.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Search = TimeSpan.FromSeconds(0.5);

    // What was called together begins together, mostly.
    static readonly TimeSpan Together = TimeSpan.FromMinutes(1);

    /// <summary>The relatives.</summary>
    /// <param name="run">The run: its newest attempt.</param>
    /// <param name="most">How many children, and members of a group, are told.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<RunFamily> OfAsync(TaskRun run, int most, CancellationToken cancel)
    {
        IResultBackend? results = clusters.Find(run.Source)?.LikelyResults;
        ResultRecord? record = null;
        string? problem = null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using ITimer alarm = clock.CreateTimer(_ => deadline.Cancel(), null, Patience, Timeout.InfiniteTimeSpan);
        try
        {
            record = results is null ? null : (await results.ReadAsync([run.Id], deadline.Token)).GetValueOrDefault(run.Id);
        }
        catch (Exception unread) when (IsUnread(unread, cancel))
        {
            problem = unread is OperationCanceledException ? $"it did not answer within {Patience.TotalSeconds:0} s" : unread.Message;
        }
        string? parent = run.Parent ?? record?.Parent, root = run.Root == run.Id ? null : run.Root;
        IReadOnlyList<TaskRun> children = await queries.ChildrenAsync(run.Source, run.Id, most + 1, cancel);
        string[] unheard = [.. (record?.Children ?? []).Except(children.Select(child => child.Id)).Take(Math.Max(0, most + 1 - children.Count))];
        var family = new RunFamily
        {
            Parent = await OneAsync(run.Source, parent, cancel), Root = await OneAsync(run.Source, root, cancel),
            Children = [.. children.Select(child => new Relative(child.Id, child, null)), .. await ReadAsync(results, run.Source, unheard, deadline.Token, cancel)],
            Problem = problem,
        };
        return record?.Group is { } group ? family with { Group = await GroupAsync(results!, run, group, parent, most, deadline.Token, cancel) } : family;
    }

    async Task<RunGroup?> GroupAsync(IResultBackend results, TaskRun run, string group, string? parent, int most, CancellationToken deadline, CancellationToken cancel)
    {
        try
        {
            GroupRecord kept = await results.GroupAsync(group, deadline);
            IReadOnlyList<string>? all = kept.Members.Count > 0 ? kept.Members
                : parent is null ? null : (await results.ReadAsync([parent], deadline)).GetValueOrDefault(parent)?.Groups.GetValueOrDefault(group);
            if (all is not null)
            {
                return new RunGroup(group, await ReadAsync(results, run.Source, [.. all.Take(most)], deadline, cancel), all.Count);
            }
            IReadOnlyList<TaskRun> likely = await LikelyAsync(run, parent, cancel);
            IReadOnlyDictionary<string, ResultRecord> records = await results.ReadAsync([.. likely.Select(other => other.Id).Append(run.Id).Distinct()], deadline);
            Relative[] members = [.. likely.Where(other => other.Id != run.Id).Append(run).Where(other => records.GetValueOrDefault(other.Id)?.Group == group)
                .OrderBy(other => other.First.Micros).ThenBy(other => other.Id, StringComparer.Ordinal).Select(other => new Relative(other.Id, other, records[other.Id]))];
            return new RunGroup(group, [.. members.Take(most)], kept.Size);
        }
        catch (Exception unread) when (IsUnread(unread, cancel))
        {
            return new RunGroup(group, [], null);
        }
    }

    /// <summary>Those that the same run called; where nobody called it those that began about when it did.</summary>
    async Task<IReadOnlyList<TaskRun>> LikelyAsync(TaskRun run, string? parent, CancellationToken cancel)
    {
        if (parent is not null)
        {
            return await queries.ChildrenAsync(run.Source, parent, MostAsked, cancel);
        }
        var near = new RunFilter { Sources = [run.Source], From = Instant.Min(run.Submitted ?? run.First, run.First) - Together, To = run.At + Together };
        return [.. (await queries.PageAsync(near, MostAsked, null, Search, cancel)).Items.GroupBy(other => other.Id).Select(attempts => attempts.MaxBy(other => other.Attempt)!)];
    }

    async Task<Relative?> OneAsync(string source, string? id, CancellationToken cancel) =>
        id is { Length: > 0 } ? new Relative(id, (await queries.FindAsync(id, source, cancel)).MaxBy(found => found.Attempt), null) : null;

    /// <summary>Runs by their ids, each as the log has it, and as its record where the log does not know its end.</summary>
    async Task<IReadOnlyList<Relative>> ReadAsync(IResultBackend? results, string source, string[] ids, CancellationToken deadline, CancellationToken cancel)
    {
        if (ids.Length == 0)
        {
            return [];
        }
        IReadOnlyDictionary<string, TaskRun> logged = await queries.NewestAsync(source, ids, cancel);
        string[] open = [.. ids.Where(id => logged.GetValueOrDefault(id) is not { } run || !run.State.IsFinal() || run.State == RunState.Lost)];
        IReadOnlyDictionary<string, ResultRecord> records = new Dictionary<string, ResultRecord>();
        try
        {
            records = results is null || open.Length == 0 ? records : await results.ReadAsync(open, deadline);
        }
        catch (Exception unread) when (IsUnread(unread, cancel))
        {
            // Then the log alone tells their states.
        }
        return [.. ids.Select(id => new Relative(id, logged.GetValueOrDefault(id), records.GetValueOrDefault(id)))];
    }

    static bool IsUnread(Exception problem, CancellationToken cancel) => !cancel.IsCancellationRequested && problem is IOException or BrokerException or OperationCanceledException;
}

/// <summary>The relatives of a run.</summary>
public sealed record RunFamily
{
    /// <summary>Who called it; null where nobody did.</summary>
    public Relative? Parent { get; init; }

    /// <summary>The run at the begin of the whole; null where it is that itself.</summary>
    public Relative? Root { get; init; }

    /// <summary>Runs that it called, oldest first; one more than was asked for where there are more.</summary>
    public IReadOnlyList<Relative> Children { get; init; } = [];

    /// <summary>The group or chord that it is part of; null where it is part of none, or nobody tells.</summary>
    public RunGroup? Group { get; init; }

    /// <summary>Why the result backend could not be asked; null where it was, or there is none.</summary>
    public string? Problem { get; init; }
}

/// <summary>A run that is related to another.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Run">As the log has it; null when it does not know it.</param>
/// <param name="Record">As the result backend has it; null where it was not asked, or keeps nothing.</param>
public sealed record Relative(string Id, TaskRun? Run, ResultRecord? Record)
{
    /// <summary>Its state, by whoever knows more; null when nobody does.</summary>
    public RunState? State => Run is { } run && ((run.State.IsFinal() && run.State != RunState.Lost) || Record is not { IsFinal: true }) ? run.State : Record?.State;

    /// <summary>Its task; null when nobody tells.</summary>
    public string? Task => Run?.Task ?? Record?.Task;
}

/// <summary>A group or chord of Celery's.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Members">Those of its runs that are known, in their order.</param>
/// <param name="Size">How many there are; null when that is not told.</param>
public sealed record RunGroup(string Id, IReadOnlyList<Relative> Members, int? Size)
{
    /// <summary>How many of them succeeded.</summary>
    public int Succeeded => Members.Count(member => member.State == RunState.Completed);

    /// <summary>The same in words.</summary>
    public string Words => $"{Succeeded} of {Size ?? Members.Count}{(Size is null ? " known" : "")} succeeded";
}
