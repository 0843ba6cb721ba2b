using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Admin;

/// <summary>Acts on one run or many: a page that asks, and doing it. Many are those of a search in the log that are open.</summary>
sealed class RunActPages(CeleryRuns celery, DeadLetters letters, LocalRuns local, RunLog log, PageFrames frames)
{
    const int Most = 500, MostBytes = 512 * 1024; // so many ids fit, however long
    static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(5);

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (RunAct act in RunAct.All)
        {
            routes.MapGet($"/act/{act.Name}", (HttpContext context, [FromServices] RunActPages pages, CancellationToken cancel) => pages.AskAsync(context, act, cancel)).RequireRight(act.Right);
            routes.MapPost($"/act/{act.Name}", (HttpContext context, [FromServices] RunActPages pages, CancellationToken cancel) => pages.DoAsync(context, act, cancel)).WithForm(MostBytes).RequireRight(act.Right);
        }
    }

    /// <summary>What would be done. It changes nothing.</summary>
    async Task<IResult> AskAsync(HttpContext context, RunAct act, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        IQueryCollection query = context.Request.Query;
        string?[] named = [.. query["run"]];
        IReadOnlyList<TaskRun> runs = named.Length > 0 || !act.Many ? await FindAsync(named, query["source"], cancel) : await OpenAsync(LogQuery.Read(query), frame, cancel);
        TaskRun[] fit = [.. runs.Where(run => run.State.IsFinal() == act.OnEnded)];
        string back = named.Length == 1 && runs.Count == 1 ? frame.RunUrl(runs[0])[frame.Root.Length..] : LogQuery.Read(query).Url(frame)[frame.Root.Length..];
        return Page(new RunActView(frame, act, [.. fit.Take(Most)], back, fit.Length > Most, null) { OfCelery = fit.Any(run => celery.ClusterOf(run) is not null) });
    }

    async Task<IResult> DoAsync(HttpContext context, RunAct act, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        IReadOnlyList<TaskRun> runs = await FindAsync([.. form["run"].Take(Most)], form["source"], cancel);
        RunAnswer? made = null;
        List<TaskRun> left = [];
        string? problem = null;
        foreach (TaskRun run in runs)
        {
            RunAnswer answer = await DoAsync(context, act, run, cancel);
            if (answer.Id is null)
            {
                left.Add(run);
                problem ??= answer.Sentence;
            }
            made = answer.Id is null ? made : answer;
        }
        string done = runs.Count == 1 && made is not null ? frame.RunUrl(made.Id!, runs[0].Source) : frame.Url("/log");
        return problem is null ? LoginEndpoints.SeeOther(context, done)
            : Page(new RunActView(frame, act, left, runs.Count == 1 ? frame.RunUrl(runs[0])[frame.Root.Length..] : "/log", false, problem), StatusCodes.Status409Conflict);
    }

    Task<RunAnswer> DoAsync(HttpContext context, RunAct act, TaskRun run, CancellationToken cancel) => context.AuditedAsync(
        $"run.{act.Name}", run.Id,
        () => celery.ClusterOf(run) is not { } cluster ? DoHereAsync(act, run, cancel)
            : act == RunAct.Retry ? celery.CallAgainAsync(cluster, run, cancel)
            : celery.RevokeAsync(cluster, run, act == RunAct.Terminate, "TERM", cancel),
        answer => answer.Id is null ? null : act == RunAct.Retry ? $"{run.Task} as {answer.Id}" : run.Task ?? "");

    /// <summary>Calls of applications on this log.</summary>
    async Task<RunAnswer> DoHereAsync(RunAct act, TaskRun run, CancellationToken cancel)
    {
        if (run.Source != CallEvents.Source || log.Work is null)
        {
            return RunAnswer.Refused(RunRefusal.Conflict, $"'{run.Source}' only reports here.");
        }
        if (act == RunAct.Retry)
        {
            return Again.ProblemOf(run) is { } problem ? RunAnswer.Refused(RunRefusal.Conflict, $"It {problem}.") : RunAnswer.Done(await letters.CallAgainAsync(run, cancel));
        }
        return await local.RevokeAsync(run, cancel) ? RunAnswer.Done(run.Id) : RunAnswer.Refused(RunRefusal.Conflict, $"It has ended: {run.State}.");
    }

    async Task<IReadOnlyList<TaskRun>> FindAsync(IReadOnlyCollection<string?> ids, string? source, CancellationToken cancel)
    {
        var runs = new List<TaskRun>();
        foreach (string id in ids.OfType<string>().Distinct())
        {
            // Of many each names its source with it, since they may be of several.
            int slash = id.IndexOf('|');
            (string? of, string wanted) = string.IsNullOrEmpty(source) && slash >= 0 ? (Uri.UnescapeDataString(id[..slash]), id[(slash + 1)..]) : (source, id);
            runs.AddRange((await log.Queries.FindAsync(wanted, string.IsNullOrEmpty(of) ? null : of, cancel)).GroupBy(run => run.Source).Select(attempts => attempts.MaxBy(run => run.Attempt)!));
        }
        return runs;
    }

    /// <summary>The open runs of a search, newest first.</summary>
    async Task<IReadOnlyList<TaskRun>> OpenAsync(LogQuery query, PageFrame frame, CancellationToken cancel)
    {
        RunFilter filter = query.Filter(frame.Clock, out string? problem);
        return problem is not null ? [] : (await log.Queries.PageAsync(filter with { States = [RunState.Pending, RunState.Queued, RunState.Running] }, Most + 1, null, SearchTime, cancel)).Items;
    }

    static RazorComponentResult<RunActConfirm> Page(RunActView view, int status = StatusCodes.Status200OK) => AdminEndpoints.Page<RunActConfirm>(new { View = view }, status);
}

/// <summary>Something that can be done to a run.</summary>
/// <param name="Name">Its name in addresses and in the audit.</param>
/// <param name="Word">What its button says.</param>
/// <param name="Right">Who may.</param>
/// <param name="OnEnded">It is for runs that have ended; else for open ones.</param>
/// <param name="Many">It may be done to many at once.</param>
public sealed record RunAct(string Name, string Word, Right Right, bool OnEnded, bool Many)
{
    /// <summary>Call it again.</summary>
    public static RunAct Retry { get; } = new("retry", "Call again", Right.Run, OnEnded: true, Many: false);

    /// <summary>Do not begin it.</summary>
    public static RunAct Revoke { get; } = new("revoke", "Revoke", Right.Manage, OnEnded: false, Many: true);

    /// <summary>End it in the midst of its work.</summary>
    public static RunAct Terminate { get; } = new("terminate", "Terminate", Right.Manage, OnEnded: false, Many: true);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<RunAct> All { get; } = [Retry, Revoke, Terminate];

    /// <summary>Those that make sense for a run and that somebody may do.</summary>
    public static IEnumerable<RunAct> Of(TaskRun run, PageFrame frame) =>
        All.Where(act => act.OnEnded == run.State.IsFinal() && frame.May(act.Right) && (act != Terminate || run.State == RunState.Running));
}

/// <summary>Runs to which somebody wants to do something.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Act">What.</param>
/// <param name="Runs">Those to which it can be done.</param>
/// <param name="Back">Where the way back leads.</param>
/// <param name="More">There are more than one page does.</param>
/// <param name="Problem">Why it could not be done to these.</param>
public sealed record RunActView(PageFrame Frame, RunAct Act, IReadOnlyList<TaskRun> Runs, string Back, bool More, string? Problem)
{
    /// <summary>Some are of a Celery cluster.</summary>
    public bool OfCelery { get; init; }
}
