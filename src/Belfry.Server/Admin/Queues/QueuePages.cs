using Belfry.Celery;
using Belfry.Celery.Queues;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Queues of Celery clusters: a list, a page for each with what waits in it, and two that ask before messages go or move.</summary>
sealed class QueuePages(QueueDesk desk, RunQueries queries, PageFrames frames)
{
    const int MostDrawn = 100, MostHeld = 2000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder queues = routes.MapGroup("/queues");
        queues.MapGet("", (HttpContext context, [FromServices] QueuePages pages, string? span, CancellationToken cancel) => pages.ListAsync(context, span, cancel)).RequireRight(Right.View);
        queues.MapGet("/one", (HttpContext context, [FromServices] QueuePages pages, long? purged, long? revoked, long? moved, CancellationToken cancel) =>
            pages.ShowAsync(context, Words(purged, revoked, moved), cancel)).RequireRight(Right.View);
        queues.MapGet("/purge", (HttpContext context, [FromServices] QueuePages pages, CancellationToken cancel) => pages.AskPurgeAsync(context, Of(context), null, cancel)).RequireRight(Right.Purge);
        queues.MapPost("/purge", (HttpContext context, [FromServices] QueuePages pages, CancellationToken cancel) => pages.PurgeAsync(context, cancel)).WithForm().RequireRight(Right.Purge);
        queues.MapGet("/move", (HttpContext context, [FromServices] QueuePages pages, CancellationToken cancel) => pages.AskMoveAsync(context, Of(context), null, cancel)).RequireRight(Right.Manage);
        queues.MapPost("/move", (HttpContext context, [FromServices] QueuePages pages, CancellationToken cancel) => pages.MoveAsync(context, cancel)).WithForm().RequireRight(Right.Manage);
    }

    async Task<IResult> ListAsync(HttpContext context, string? span, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        var drawn = BacklogSpan.Of(span);
        IReadOnlyList<ClusterQueues> clusters = await desk.ReadAsync(cancel);
        var shapes = new Dictionary<(string, string), BacklogShape>();
        foreach ((Cluster cluster, QueueRow queue) in clusters.SelectMany(cluster => cluster.Queues, (cluster, queue) => (cluster.Cluster, queue)).Take(MostDrawn))
        {
            shapes[(cluster.Name, queue.Standing.Name)] = BacklogShape.Of(await PointsAsync(cluster.Name, queue.Standing.Name, frame, drawn, cancel), drawn.From(frame.Clock.Now), drawn.Step);
        }
        return AdminEndpoints.Page<QueuesPage>(new { View = new QueuesView(frame, clusters, drawn, shapes, null) });
    }

    Task<IResult> ShowAsync(HttpContext context, string? said, CancellationToken cancel) => OnQueueAsync(context, Of(context), async (frame, query, cluster) =>
    {
        IReadOnlyList<SamplePoint> points = await PointsAsync(cluster.Name, query.Name, frame, query.Span, cancel);
        try
        {
            QueueRow? row = (await desk.ReadAsync(cluster, [query.Name], cancel)).SingleOrDefault();
            // Where looking changes the queue it is done when somebody asks for it.
            bool looks = cluster.Queues.PeekWarning is null || context.Request.Query["look"] == "yes";
            QueueContents? contents = row is not null && looks ? await desk.ContentsAsync(cluster, query.Name, cancel) : null;
            string? problem = row is null ? $"{cluster.Name} has no queue '{query.Name}' now." : null;
            return AdminEndpoints.Page<QueuePage>(new { View = new QueueView(frame, query, cluster, row, contents, await HeldAsync(cluster, query.Name, cancel), points, said, problem) });
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            return AdminEndpoints.Page<QueuePage>(new { View = new QueueView(frame, query, cluster, null, null, null, points, said, problem.Message) }, StatusCodes.Status502BadGateway);
        }
    }, cancel);

    Task<IResult> AskPurgeAsync(HttpContext context, QueueQuery asked, string? problem, CancellationToken cancel) => OnQueueAsync(context, asked, async (frame, query, cluster) =>
    {
        // All of a queue that cannot be looked into freely are counted, and no more.
        bool looks = cluster.Queues.RemovesExactly || !query.Choice.IsAll;
        var view = new QueueView(frame, query, cluster, null, looks ? await desk.ContentsAsync(cluster, query.Name, cancel) : null, null, [], null, null);
        long count = query.Choice.IsAll ? (await cluster.Queues.ReadAsync([query.Name], cancel))[0].Length ?? 0 : view.Found.Count;
        string? warning = looks && !cluster.Queues.RemovesExactly ? $"{cluster.Queues.PeekWarning} They are not taken out but revoked: workers drop them when they take them." : null;
        return AdminEndpoints.Page<QueuePurge>(
            new { View = new PurgeView(frame, query, [.. view.Counts(message => message.Task)], count, warning, problem) }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }, cancel);

    async Task<IResult> PurgeAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        QueueQuery asked = QueueQuery.Read(field => form[field]);
        return form["confirm"] != asked.Name
            ? await AskPurgeAsync(context, asked, "Type the queue's name to confirm that its messages go; nothing is changed.", cancel)
            : await OnQueueAsync(context, asked, async (frame, query, cluster) =>
            {
                QueueRemoval removal = await context.AuditedAsync(
                    "queue.purge", $"{query.Name} of {cluster.Name}", () => desk.RemoveAsync(cluster, query.Name, query.Choice, cancel), removed => $"{query.Choice}: {removed}");
                QueryString back = (query with { Choice = MessageChoice.All, Cursor = 0 }).Query().Add(removal.Revoked > 0 ? "revoked" : "purged", $"{Math.Max(removal.Removed, removal.Revoked)}");
                return LoginEndpoints.SeeOther(context, frame.Url("/queues/one") + back);
            }, cancel);
    }

    Task<IResult> AskMoveAsync(HttpContext context, QueueQuery asked, string? problem, CancellationToken cancel) => OnQueueAsync(context, asked, async (frame, query, cluster) =>
    {
        long? count = (await cluster.Queues.ReadAsync([query.Name], cancel))[0].Length;
        return AdminEndpoints.Page<QueueMovePage>(
            new { View = new MoveView(frame, query, count, desk.Clusters.All, problem) }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }, cancel);

    async Task<IResult> MoveAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        QueueQuery asked = QueueQuery.Read(field => form[field]);
        string target = form["to"].ToString().Trim();
        Cluster? there = desk.Clusters.Find(form["to-source"]);
        if (there is null || target.Length == 0 || (there.Name == asked.Source && target == asked.Name))
        {
            return await AskMoveAsync(context, asked, "Name another queue.", cancel);
        }
        return await OnQueueAsync(context, asked, async (frame, query, cluster) =>
        {
            long moved = await context.AuditedAsync(
                "queue.move", $"{query.Name} of {cluster.Name}", () => desk.MoveAsync(cluster, query.Name, there, target, cancel), some => $"{some} to {target} of {there.Name}");
            return LoginEndpoints.SeeOther(context, frame.Url("/queues/one") + new QueueQuery(there.Name, target, MessageChoice.All, 0, query.Span).Query().Add("moved", $"{moved}"));
        }, cancel);
    }

    async Task<IResult> OnQueueAsync(HttpContext context, QueueQuery query, Func<PageFrame, QueueQuery, Cluster, Task<IResult>> act, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        if (desk.Clusters.Find(query.Source) is not { } cluster)
        {
            return Problem(frame, $"There is no cluster '{query.Source}'.", StatusCodes.Status404NotFound);
        }
        try
        {
            return await act(frame, query, cluster);
        }
        catch (Exception problem) when (problem is IOException or BrokerException or StoreException)
        {
            return Problem(frame, problem.Message, problem is StoreException ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status502BadGateway);
        }
    }

    static RazorComponentResult<ProblemPage> Problem(PageFrame frame, string problem, int status) => AdminEndpoints.Page<ProblemPage>(new { Frame = frame, Title = "Queue", Section = "queues", Problem = problem }, status);

    Task<IReadOnlyList<SamplePoint>> PointsAsync(string source, string queue, PageFrame frame, BacklogSpan span, CancellationToken cancel) =>
        queries.SamplesAsync(source, SampleKinds.QueueLength, queue, span.From(frame.Clock.Now), frame.Clock.Now + TimeSpan.FromSeconds(1), span.Step, cancel);

    static async Task<HeldMessages?> HeldAsync(Cluster cluster, string queue, CancellationToken cancel)
    {
        if (!cluster.Queues.RemovesExactly)
        {
            return null;
        }
        IReadOnlyList<QueuedMessage> held = await cluster.Queues.UnackedAsync(MostHeld, cancel);
        QueuedMessage[] ours = [.. held.Where(message => message.Message.RoutingKey == queue)];
        return new HeldMessages(ours.Length, ours.Count(message => message.Message.Eta is not null), held.Count == MostHeld);
    }

    static QueueQuery Of(HttpContext context) => QueueQuery.Read(field => context.Request.Query[field]);

    static string? Words(long? purged, long? revoked, long? moved) => (purged, revoked, moved) switch
    {
        ({ } some, _, _) => $"{Format.Count(some)} messages purged.",
        (_, { } some, _) => $"{Format.Count(some)} messages revoked: workers drop them when they take them.",
        (_, _, { } some) => $"{Format.Count(some)} messages moved here.",
        _ => null,
    };
}
