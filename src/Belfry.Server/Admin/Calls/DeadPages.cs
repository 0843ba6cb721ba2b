using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Dead letters: a list, a page that asks before some or all of them are called again, and doing so.</summary>
sealed class DeadPages(DeadLetters letters, PageFrames frames)
{
    const int Rows = 50, MostCounted = 10_000;
    static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(2);

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder dead = routes.MapGroup("/dead");
        dead.MapGet("", (HttpContext context, [FromServices] DeadPages pages, string? cursor, int? called, int? left, CancellationToken cancel) =>
            pages.ListAsync(context, cursor, Words(called, left), cancel)).RequireRight(Right.View);
        dead.MapGet("/again", (HttpContext context, [FromServices] DeadPages pages, string[] run, string? all, CancellationToken cancel) =>
            pages.AskAsync(context, run, all == "yes", cancel)).RequireRight(Right.Run);
        dead.MapPost("/again", (HttpContext context, [FromServices] DeadPages pages, CancellationToken cancel) => pages.CallAsync(context, cancel)).WithForm().RequireRight(Right.Run);
    }

    async Task<IResult> ListAsync(HttpContext context, string? cursor, string? said, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        try
        {
            RunPage page = await letters.PageAsync(Rows, cursor, SearchTime, cancel);
            RunCount total = await letters.CountAsync(MostCounted, SearchTime, cancel);
            return AdminEndpoints.Page<DeadPage>(new { View = new DeadView(frame, page, total, letters.MayCall && frame.May(Right.Run), said) });
        }
        catch (Exception e) when (e is StoreException or FormatException)
        {
            return AdminEndpoints.Page<ProblemPage>(
                new { Frame = frame, Title = "Dead letters", Section = "dead", Problem = $"The log cannot be read: {e.Message}" },
                e is FormatException ? StatusCodes.Status400BadRequest : StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>What would be called again, counted by task. It changes nothing.</summary>
    async Task<IResult> AskAsync(HttpContext context, string[] ids, bool all, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        List<TaskRun> runs = await Chosen(ids, all, cancel).Take(MostCounted + 1).ToListAsync(cancel);
        return letters.MayCall && runs.Count > 0
            ? AdminEndpoints.Page<DeadConfirm>(new { View = new DeadChoice(frame, [.. runs.Take(MostCounted)], all, runs.Count > MostCounted) })
            : LoginEndpoints.SeeOther(context, frames.Root(context) + "/dead");
    }

    async Task<IResult> CallAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        bool all = form["all"] == "yes";
        int called = 0, left = 0;
        if (letters.MayCall)
        {
            Task<int> CallChosenAsync() => letters.CallAgainAsync(Told(Chosen(form["run"], all, cancel)), cancel);
            called = all ? await context.AuditedAsync("dead.retry", "all", CallChosenAsync, some => some > 0 ? $"{some} called again" : null) : await CallChosenAsync();
        }
        return LoginEndpoints.SeeOther(context, frames.Root(context) + "/dead" + QueryString.Create("called", $"{called}").Add("left", $"{left}"));

        // Each that was chosen is a line of the audit; all of them are one.
        async IAsyncEnumerable<TaskRun> Told(IAsyncEnumerable<TaskRun> chosen)
        {
            await foreach (TaskRun run in chosen)
            {
                bool callable = Again.ProblemOf(run) is null;
                left += callable ? 0 : 1;
                if (callable && !all)
                {
                    context.Audit("run.retry", run.Id, run.Task ?? "");
                }
                yield return run;
            }
        }
    }

    IAsyncEnumerable<TaskRun> Chosen(IEnumerable<string?> ids, bool all, CancellationToken cancel) => all ? letters.AllAsync(cancel) : letters.FindAsync(ids, cancel);

    static string? Words(int? called, int? left) => (called, left) switch
    {
        (null, _) => null,
        (0, null or 0) => "Nothing was called: somebody else was faster.",
        ({ } some, null or 0) => $"{Format.Count(some)} called again.",
        ({ } some, { } others) => $"{Format.Count(some)} called again; {Format.Count(others)} cannot be, because the log does not have all of their arguments.",
    };
}

/// <summary>What the list of dead letters shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Page">Some of them.</param>
/// <param name="Total">How many there are.</param>
/// <param name="MayCall">They can be called again from here.</param>
/// <param name="Said">What was done.</param>
public sealed record DeadView(PageFrame Frame, RunPage Page, RunCount Total, bool MayCall, string? Said)
{
    /// <summary>The address of older ones; null at the end.</summary>
    public string? Older => Page.Next is null ? null : Frame.Url("/dead" + QueryString.Create("cursor", Page.Next));
}

/// <summary>Dead letters that somebody wants to call again.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Runs">They.</param>
/// <param name="All">It is all that there are.</param>
/// <param name="More">There are more than were counted.</param>
public sealed record DeadChoice(PageFrame Frame, IReadOnlyList<TaskRun> Runs, bool All, bool More)
{
    /// <summary>Those that can be called again.</summary>
    public IReadOnlyList<TaskRun> Callable { get; } = [.. Runs.Where(run => Again.ProblemOf(run) is null)];

    /// <summary>How many that are, in words.</summary>
    public string Count => Format.Count(Callable.Count) + (More ? "+" : "");

    /// <summary>How many of each task, most first.</summary>
    public IEnumerable<(string Task, int Count)> Tasks =>
        Callable.GroupBy(run => run.Task!).Select(task => (task.Key, task.Count())).OrderByDescending(task => task.Item2).ThenBy(task => task.Key, StringComparer.Ordinal);
}
