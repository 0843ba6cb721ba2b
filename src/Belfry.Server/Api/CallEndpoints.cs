using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Belfry.Celery.Calling;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Api;

/// <summary>Calls of tasks that processes on this log execute: now or later, again, revoked; their queues and dead letters; progress from outside.</summary>
static class CallEndpoints
{
    const int MostBytes = 4 * 1024 * 1024, MostDead = 1000;
    static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(5);

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup("/api/v1").WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        api.MapPost("/tasks/{name}/call", CallAsync).RequireScope(Right.Run);
        api.MapPost("/tasks/{name}/progress", ReportAsync).RequireScope(Right.Report);
        api.MapPost("/runs/{id}/retry", RetryAsync).RequireScope(Right.Run);
        api.MapPost("/runs/{id}/revoke", RevokeAsync).RequireScope(Right.Manage);
        api.MapGet("/queues/dead", DeadAsync).RequireScope(Right.View);
    }

    /// <summary><c>POST /tasks/{name}/call</c>.</summary>
    static async Task<IResult> CallAsync(HttpRequest request, [FromServices] RunLog log, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        (CallBody? body, IResult? problem) = await RequestBody.ReadAsync(request, new CallBody(), cancel);
        if (body is null)
        {
            return problem!;
        }
        string task = RouteName.Decoded(name);
        Instant now = Instant.Now(clock);
        if (!body.TryRead(now, out CallOptions? options, out FieldProblem? wrong))
        {
            return Problems.Bad(wrong);
        }
        if (body.Source is null or CallEvents.Source && request.HttpContext.RequestServices.GetService<TaskRegistry>()?.Find(task) is not null)
        {
            if (body.ProblemHere is { } wrongHere)
            {
                return Problems.Bad(wrongHere);
            }
            var client = request.HttpContext.RequestServices.GetRequiredService<IBelfryClient>();
            return await CalledAsync(() => client.CallAsync(task, body.Given, options, cancel));
        }
        IReadOnlyList<string> known = await log.Queries.SourcesOfTaskAsync(task, cancel);
        if (body.Source != CallEvents.Source && (body.Source is not null || log.Work is null || !known.Contains(CallEvents.Source)))
        {
            IServiceProvider services = request.HttpContext.RequestServices;
            Cluster? cluster = CeleryCalls.ClusterOf(services.GetRequiredService<Clusters>(), body.Source, known, out wrong);
            if (wrong is not null)
            {
                return Problems.Bad(wrong);
            }
            if (cluster is not null && body.Priority is < 0 or > 255)
            {
                return Problems.Bad(new FieldProblem("priority", "'priority' is from 0 to 255: on Redis 0 is most urgent, on RabbitMQ 255."));
            }
            if (cluster is not null)
            {
                TaskCall sent = body.ToCelery(task, now);
                return body.Key is not null && (await log.Queries.FindAsync(sent.Id, cluster.Name, cancel)).Count > 0 ? await CalledAsync(() => Task.FromResult(sent.Id))
                    : await CeleryCalls.CallAsync(request.HttpContext, services.GetRequiredService<CeleryRuns>(), cluster, sent, body.Force, cancel);
            }
        }
        if (body.ProblemHere is { } notHere)
        {
            return Problems.Bad(notHere);
        }
        if (await RefusalAsync(log, task, known, clock, cancel) is { } refusal)
        {
            return refusal;
        }
        var call = new QueuedCall
        {
            Id = body.Key is { } key ? CallIds.Of(task, key) : NewId(clock), IsKeyed = body.Key is not null, Task = task, Submitted = now,
            Queue = body.Queue ?? QueuedCall.DefaultQueue, Priority = body.Priority ?? 0, Args = body.Args?.GetRawText(), Kwargs = body.Kwargs?.GetRawText(),
            Eta = options.Countdown is { } countdown ? now + countdown : options.Eta is { } eta ? Instant.From(eta) : null,
            Expires = options.Expires is { } expires ? Instant.From(expires) : null,
        };
        return await CalledAsync(async () =>
        {
            await log.Work!.PutAsync(call, cancel);
            return call.Id;
        });

        async Task<IResult> CalledAsync(Func<Task<string>> put) => Accepted(await request.HttpContext.AuditedAsync("task.call", task, put, id => id));
    }

    /// <summary><c>POST /tasks/{name}/progress</c>: of the newest open run of that name and context.</summary>
    static async Task<IResult> ReportAsync(HttpRequest request, [FromServices] RunLog log, [FromServices] TimeProvider clock, string name, CancellationToken cancel)
    {
        (ProgressBody? body, IResult? problem) = await RequestBody.ReadAsync(request, new ProgressBody(), cancel);
        if (body is null)
        {
            return problem!;
        }
        if (body.Percent is < 0 or > 100 || (body.Percent is null && body.Text is null))
        {
            return Problems.Bad(new FieldProblem("percent", body.Percent is null ? "Tell percent, or text, or both." : "'percent' is from 0 to 100."));
        }
        string task = RouteName.Decoded(name);
        var open = new RunFilter { Tasks = [task], States = [RunState.Pending, RunState.Queued, RunState.Running] };
        string? cursor = null;
        do
        {
            RunPage page = await log.Queries.PageAsync(open, 200, cursor, SearchTime, cancel);
            if (page.Items.FirstOrDefault(run => run.Task == task && (body.Context is null || run.Context == body.Context)) is { } run)
            {
                await log.AppendAsync([CallEvents.Progress(run, body.Percent, body.Text, Instant.Now(clock))], cancel);
                return Accepted(run.Id);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return Problems.NotFound(body.Context is null ? $"No run of '{task}' is open." : $"No run of '{task}' about that is open.");
    }

    /// <summary><c>POST /runs/{id}/retry</c>: a new run with what the old one was called with.</summary>
    static async Task<IResult> RetryAsync(HttpContext context, [FromServices] RunLog log, [FromServices] DeadLetters letters, string id, CancellationToken cancel)
    {
        (TaskRun? run, IResult? unclear) = await OneAsync(context.Request, log, id, cancel);
        if (run is null)
        {
            return unclear!;
        }
        var celery = context.RequestServices.GetRequiredService<CeleryRuns>();
        if (celery.ClusterOf(run) is { } cluster)
        {
            return await CeleryCalls.RetryAsync(context, celery, cluster, run, cancel);
        }
        if (run.Source != CallEvents.Source || log.Work is null)
        {
            return Elsewhere(run);
        }
        return Again.ProblemOf(run) is { } problem ? Conflict($"Run '{run.Id}' {problem}.")
            : Accepted(await context.AuditedAsync("run.retry", run.Id, () => letters.CallAgainAsync(run, cancel), again => $"{run.Task} as {again}"));
    }

    /// <summary><c>POST /runs/{id}/revoke</c>: a call that waits, or a run at work, in whatever process on this log.</summary>
    static async Task<IResult> RevokeAsync(HttpContext context, [FromServices] RunLog log, [FromServices] LocalRuns local, string id, CancellationToken cancel)
    {
        (TaskRun? run, IResult? unclear) = await OneAsync(context.Request, log, id, cancel);
        if (run is null)
        {
            return unclear!;
        }
        (RevokeBody? body, IResult? problem) = await RequestBody.ReadAsync(context.Request, new RevokeBody(), cancel);
        if (body is null || !RevokeBody.Signals.Contains(body.Signal))
        {
            return problem ?? Problems.Bad(new FieldProblem("signal", $"'signal' is one of {string.Join(", ", RevokeBody.Signals)}."));
        }
        var celery = context.RequestServices.GetRequiredService<CeleryRuns>();
        if (celery.ClusterOf(run) is { } cluster)
        {
            return await CeleryCalls.RevokeAsync(context, celery, cluster, run, body.Terminate, body.Signal, cancel);
        }
        if (run.Source != CallEvents.Source || log.Work is null)
        {
            return Elsewhere(run);
        }
        return await context.AuditedAsync("run.revoke", run.Id, () => local.RevokeAsync(run, cancel), revoked => revoked ? run.Task ?? "" : null)
            ? Accepted(run.Id) : Conflict($"It has ended: {run.State}.");
    }

    /// <summary><c>GET /queues/dead</c>: calls whose process died each time, newest first. <c>retry</c> calls them again.</summary>
    static async Task<IResult> DeadAsync(HttpRequest request, [FromServices] DeadLetters letters, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        RunPage page = await letters.PageAsync(MostDead, null, SearchTime, cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (TaskRun run in page.Items)
            {
                RunJson.Write(json, run);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>Why a task that is not registered in this process cannot be called; null when processes on this log execute it.</summary>
    static async Task<IResult?> RefusalAsync(RunLog log, string task, IReadOnlyList<string> sources, TimeProvider clock, CancellationToken cancel)
    {
        if (sources.Contains(CallEvents.Source) && log.Work is not null)
        {
            return null;
        }
        TaskRun? latest = sources.Count == 0 ? null : await log.Queries.LatestAsync(task, null, new Instant(0), Instant.Now(clock) + TimeSpan.FromDays(1), null, cancel);
        return latest is null ? Problems.NotFound($"No task '{task}' is known.") : Elsewhere(latest);
    }

    /// <summary>The newest attempt of a run, of the <c>source</c> that is named; why there is none, or which sources there are.</summary>
    static async Task<(TaskRun? Run, IResult? Problem)> OneAsync(HttpRequest request, RunLog log, string id, CancellationToken cancel)
    {
        (string wanted, string? source) = (RouteName.Decoded(id), Parameters.Text(request.Query, "source"));
        TaskRun[] found = [.. await log.Queries.FindAsync(wanted, source, cancel)];
        return found.Select(run => run.Source).Distinct().Count() switch
        {
            0 => (null, Problems.NoRun(wanted, source)),
            1 => (found.MaxBy(run => run.Attempt), null),
            _ => (null, CeleryCalls.Several(wanted, found)),
        };
    }

    static IResult Elsewhere(TaskRun run) => Conflict($"'{run.Task}' is run by {run.Worker ?? "a process"} of '{run.Source}', which only reports here: call it there.");

    public static IResult Conflict(string detail) => Results.Problem(detail, statusCode: StatusCodes.Status409Conflict);

    public static JsonResult Accepted(string id) => new(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteEndObject();
        },
        StatusCodes.Status202Accepted);

    static string NewId(TimeProvider clock) => Guid.CreateVersion7(clock.GetUtcNow()).ToString();

    /// <summary>What a call says.</summary>
    sealed record CallBody
    {
        public JsonElement? Args { get; init; }

        public JsonElement? Kwargs { get; init; }

        public string? Queue { get; init; }

        public int? Priority { get; init; }

        public double? Countdown { get; init; }

        public DateTimeOffset? Eta { get; init; }

        public DateTimeOffset? Expires { get; init; }

        public string? Key { get; init; }

        /// <summary>The Celery cluster, or <c>local</c>; whichever knows the task when null.</summary>
        public string? Source { get; init; }

        /// <summary>Headers for a task of Celery.</summary>
        public Dictionary<string, string>? Headers { get; init; }

        /// <summary>An exchange for a task of Celery, instead of a queue.</summary>
        public string? Exchange { get; init; }

        /// <summary>The key with which it is published there.</summary>
        public string? RoutingKey { get; init; }

        /// <summary>Call it even if no worker of Celery says that it knows it.</summary>
        public bool Force { get; init; }

        /// <summary>What only Celery takes.</summary>
        public FieldProblem? ProblemHere => Args is not null && Kwargs is not null ? new FieldProblem("kwargs", "Give the arguments in order or by name, not both.")
            : Headers is not null ? new FieldProblem("headers", "Only tasks of Celery have headers.")
            : Exchange is not null || RoutingKey is not null ? new FieldProblem(Exchange is null ? "routing_key" : "exchange", "Only tasks of Celery go through exchanges.")
            : null;

        public object? Given => (object?)Kwargs ?? Args;

        public TaskCall ToCelery(string task, Instant now) => new()
        {
            // The id of a call with a key is made of it: the log tells whether it was made.
            Id = Key is null ? $"{Guid.NewGuid()}" : CallIds.Of(task, Key), Task = task, Args = Args?.GetRawText() ?? "[]", Kwargs = Kwargs?.GetRawText() ?? "{}",
            Queue = Queue, Exchange = Exchange, RoutingKey = RoutingKey, Priority = Priority, Headers = Headers ?? [],
            Eta = Countdown is { } seconds ? now + TimeSpan.FromSeconds(seconds) : Eta is { } eta ? Instant.From(eta) : null, Expires = Expires is { } end ? Instant.From(end) : null,
        };

        public bool TryRead(Instant now, [NotNullWhen(true)] out CallOptions? options, [NotNullWhen(false)] out FieldProblem? problem)
        {
            problem = Args is { } args && args.ValueKind != JsonValueKind.Array ? new FieldProblem("args", "'args' is an array.")
                : Kwargs is { } kwargs && kwargs.ValueKind != JsonValueKind.Object ? new FieldProblem("kwargs", "'kwargs' is an object.")
                : Countdown is < 0 or > 1e9 ? new FieldProblem("countdown", "'countdown' is a number of seconds.")
                : Countdown is not null && Eta is not null ? new FieldProblem("eta", "It has a countdown, too: give one of them.")
                : Headers is not null && TaskCall.ProblemOf(Headers.Keys) is { } taken ? new FieldProblem("headers", $"{taken}.")
                : Exchange is not null && Queue is not null ? new FieldProblem("exchange", "It goes to a queue, or through an exchange: name one of them.")
                : RoutingKey is not null && Exchange is null ? new FieldProblem("routing_key", "A routing key needs its exchange.")
                : Expires is { } end && Instant.From(end) <= now ? new FieldProblem("expires", "That instant has passed.")
                : null;
            options = problem is not null ? null : new CallOptions
            {
                Queue = Queue, Priority = Priority, Countdown = Countdown is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Eta = Eta, Expires = Expires, IdempotencyKey = Key,
            };
            return problem is null;
        }
    }

    /// <summary>How a run is revoked.</summary>
    sealed record RevokeBody
    {
        public static readonly string[] Signals = ["TERM", "KILL", "INT", "QUIT", "HUP", "USR1", "USR2"];

        /// <summary>End it, too, if a worker of Celery has it at work.</summary>
        public bool Terminate { get; init; }

        /// <summary>With which signal.</summary>
        public string Signal { get; init; } = "TERM";
    }

    /// <summary>What is told of a run's progress.</summary>
    sealed record ProgressBody
    {
        public double? Percent { get; init; }

        public string? Text { get; init; }

        public RunContext? Context { get; init; }
    }
}
