using System.Diagnostics.CodeAnalysis;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Belfry.Server.Admin;

/// <summary>The pages: each is an endpoint that binds its address, makes one read and renders a component.</summary>
static class AdminEndpoints
{
    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddRazorComponents();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AdminSettings>();
        services.TryAddSingleton<AdminAssets>();
        services.TryAddSingleton<LogReader>();
        services.TryAddSingleton<LiveRows>();
        services.TryAddSingleton<PageFrames>();
        services.TryAddSingleton(RetentionPolicy.KeepAll);
        services.TryAddSingleton<StoreCensus>();
        services.AddHostedService(provider => provider.GetRequiredService<StoreCensus>());
        services.AddSingleton<AccountPages>().AddSingleton<UserPages>().AddSingleton<TokenPages>().AddSingleton<AuditPages>().AddSingleton<WorkerPages>().AddSingleton<QueuePages>().AddSingleton<DeadPages>().AddSingleton<RunActPages>();
        return services;
    }

    public static void MapAdmin(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder pages = routes.MapGroup("").RequireRight(Right.View);
        pages.MapGet("/", (HttpContext context, PageFrames frames) => TypedResults.LocalRedirect(frames.Root(context) + "/log"));
        pages.MapGet("/log", LogAsync).WithName(PageFrames.LogEndpoint);
        pages.MapGet("/log/live", Live);
        pages.MapGet("/runs/{**id}", RunAsync);
        pages.MapGet("/health", HealthAsync);
        pages.MapGet("/pulse", PulseAsync);
        pages.MapFallback(NotThereAsync);
        pages.MapPost("/theme", ThemeAsync).WithForm().WithMetadata(new ChangesNothing());
        AccountPages.Map(routes);
        UserPages.Map(routes);
        TokenPages.Map(routes);
        AuditPages.Map(routes);
        WorkerPages.Map(routes);
        QueuePages.Map(routes);
        DeadPages.Map(routes);
        RunActPages.Map(routes);
        // Files of style and script tell nothing; the page that asks for a password needs them, too.
        routes.MapGet("/assets/{version}/{file}", (HttpContext context, AdminAssets assets, string version, string file, CancellationToken cancel) =>
            assets.SendAsync(context, version, file, cancel)).OpenTo(Caller.Browser);
    }

    static async Task<IResult> LogAsync(HttpContext context, PageFrames frames, [FromServices] LogReader reader, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        LogView view = await reader.ReadAsync(LogQuery.Read(context.Request.Query), frame, cancel);
        return Page<LogPage>(new { View = view }, view.Page is not null ? StatusCodes.Status200OK
            : view.Understood ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status400BadRequest);
    }

    static async Task<IResult> Live(HttpContext context, PageFrames frames, [FromServices] LiveRows live, [FromServices] Guard guard, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        LogQuery query = LogQuery.Read(context.Request.Query);
        return TypedResults.ServerSentEvents(live.ReadAsync(query, frame, context.Request.Headers["Last-Event-ID"], () => guard.StillMayAsync(context), cancel));
    }

    static Task<IResult> RunAsync(
        HttpContext context, PageFrames frames, [FromServices] RunQueries queries, [FromServices] Families families, string id, string? source, int? attempt, CancellationToken cancel) =>
        GuardAsync(context, frames, "Run", "log", async frame =>
        {
            string wanted = RouteName.Decoded(id);
            (RunView? view, IReadOnlyList<TaskRun> choices) = await RunView.ReadAsync(queries, families, frame, wanted, string.IsNullOrEmpty(source) ? null : source, attempt, cancel);
            return view is not null
                ? Page<RunDetail>(new { View = view })
                : Page<RunChooser>(new { Frame = frame, Id = wanted, Source = source, Choices = choices },
                    choices.Count == 0 ? StatusCodes.Status404NotFound : StatusCodes.Status300MultipleChoices);
        }, cancel);

    static Task<IResult> HealthAsync(
        HttpContext context, PageFrames frames, [FromServices] RunLog log, [FromServices] DeadLetters letters, [FromServices] Clusters clusters, [FromServices] StoreCensus census, CancellationToken cancel) =>
        GuardAsync(context, frames, "Health", "health", async frame => Page<HealthPage>(new { View = await HealthView.ReadAsync(log, letters, clusters, census.Latest, frame, cancel) }), cancel);

    static async Task<IResult> PulseAsync(HttpContext context, PageFrames frames, CancellationToken cancel) =>
        Page<PulseWord>(new { Frame = await frames.ForAsync(context, cancel) });

    static async Task<IResult> NotThereAsync(HttpContext context, PageFrames frames, CancellationToken cancel) => Page<ProblemPage>(
        new { Frame = await frames.ForAsync(context, cancel), Title = "Not here", Section = "", Problem = $"There is no page {context.Request.Path}.", Again = false }, StatusCodes.Status404NotFound);

    static async Task<IResult> ThemeAsync(HttpContext context, PageFrames frames, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string root = frames.Root(context);
        frames.KeepTheme(context, form["theme"].ToString());
        bool back = Uri.TryCreate(context.Request.Headers.Referer, UriKind.Absolute, out Uri? from) && from.Authority == context.Request.Host.Value
            && from.AbsolutePath.StartsWith(root + "/", StringComparison.Ordinal);
        context.Response.Headers.Location = back ? from!.PathAndQuery : root + "/log";
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }

    static async Task<IResult> GuardAsync(
        HttpContext context, PageFrames frames, string title, string section, Func<PageFrame, Task<IResult>> read, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        try
        {
            return await read(frame);
        }
        catch (StoreException error)
        {
            return Page<ProblemPage>(new { Frame = frame, Title = title, Section = section, Problem = $"The log cannot be read: {error.Message}" }, StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>A page of that component.</summary>
    public static RazorComponentResult<T> Page<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(object parameters, int status = StatusCodes.Status200OK)
        where T : Microsoft.AspNetCore.Components.IComponent => new(parameters) { PreventStreamingRendering = true, StatusCode = status };
}
