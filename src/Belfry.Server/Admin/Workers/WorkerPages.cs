using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery;
using Belfry.Celery.Control;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Workers: a list, a page for each, and a page that asks before one is told what to do.</summary>
sealed class WorkerPages(Clusters clusters, SecretMask mask, RunQueries queries, PageFrames frames, Seals seals, TimeProvider clock)
{
    // What a healthy worker needs is a fiftieth of it.
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(0.7), Patience = TimeSpan.FromSeconds(2.5), ToldWithin = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Shown = TimeSpan.FromMinutes(5);

    readonly ITimeLimitedDataProtector _seal = seals.For("Belfry.ControlSaid.1");

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/workers", (HttpContext context, [FromServices] WorkerPages pages, CancellationToken cancel) => pages.ListAsync(context, cancel)).RequireRight(Right.View);
        routes.MapGet("/workers/{**name}", (HttpContext context, [FromServices] WorkerPages pages, string name, string? source, string? said, CancellationToken cancel) =>
            pages.ShowAsync(context, RouteName.Decoded(name), source, said, cancel)).RequireRight(Right.View);
        routes.MapGet("/control", (HttpContext context, [FromServices] WorkerPages pages, CancellationToken cancel) => pages.AskAsync(context, cancel)).RequireRight(Right.Manage);
        routes.MapPost("/control", (HttpContext context, [FromServices] WorkerPages pages, CancellationToken cancel) => pages.TellAsync(context, cancel)).WithForm().RequireRight(Right.Manage);
    }

    async Task<IResult> ListAsync(HttpContext context, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        try
        {
            IReadOnlyList<WorkerStatus> known = await queries.WorkersAsync(cancel);
            KeyValuePair<string, ClusterLook>[] looks = await Task.WhenAll(clusters.All.Select(async cluster => KeyValuePair.Create(
                cluster.Name, await ClusterLook.TakeAsync(new Inspector(cluster, mask), KnownWorkers.Of(known, cluster.Name, Instant.Now(clock)), Timeout, Patience, cancel))));
            return AdminEndpoints.Page<WorkersPage>(new { View = WorkersView.Of(frame, known, looks.ToDictionary(StringComparer.Ordinal)) });
        }
        catch (StoreException error)
        {
            return Problem(frame, $"The log cannot be read: {error.Message}", StatusCodes.Status503ServiceUnavailable);
        }
    }

    async Task<IResult> ShowAsync(HttpContext context, string name, string? source, string? said, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        WorkerStatus? status;
        IReadOnlyList<UnseenStart> unseen;
        try
        {
            status = (await queries.WorkersAsync(cancel)).FirstOrDefault(worker => worker.Name == name && (string.IsNullOrEmpty(source) || worker.Source == source));
            unseen = UnseenStart.Read(await queries.LatestSamplesAsync(SampleKinds.UnseenStarts, cancel), status?.Source ?? source ?? "", name);
        }
        catch (StoreException error)
        {
            return Problem(frame, $"The log cannot be read: {error.Message}", StatusCodes.Status503ServiceUnavailable);
        }
        string? of = status?.Source ?? source;
        (InspectedWorker? answer, string? problem) = clusters.Find(of) is { } cluster ? await LookAsync(cluster, name, cancel) : (null, null);
        if (status is null && answer?.Answers != true)
        {
            return Problem(frame, $"No worker '{name}' is known.", StatusCodes.Status404NotFound);
        }
        (string Text, bool Well)? done = Unsealed(said);
        var view = new WorkerView(frame, of!, name, status, answer, done is { Well: false } refused ? refused.Text : problem, done is { Well: true } well ? well.Text : null)
        {
            Unseen = unseen, Noted = answer?.Answers == true ? [] : await NotedAsync(of!, name, cancel),
        };
        return AdminEndpoints.Page<WorkerPage>(new { View = view });
    }

    async Task<IReadOnlyList<Sample>> NotedAsync(string source, string name, CancellationToken cancel) =>
        [.. WorkerFacts.Of(await queries.LatestSamplesAsync(SampleKinds.WorkerFact, cancel), source, name)];

    async Task<(InspectedWorker? Said, string? Problem)> LookAsync(Cluster cluster, string name, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(Patience);
        try
        {
            return (await InspectedWorker.AskAsync(new Inspector(cluster, mask), name, Timeout, over.Token), null);
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            return (null, problem.Message);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (null, $"The broker of {cluster.Name} did not answer within {Patience.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>What would be done. It changes nothing.</summary>
    async Task<IResult> AskAsync(HttpContext context, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        ControlForm form = ControlForm.Read(context.Request.Query);
        return Refusal(frame, form, out _) is { } refusal ? refusal : AdminEndpoints.Page<WorkerConfirm>(new { Frame = frame, Form = form });
    }

    async Task<IResult> TellAsync(HttpContext context, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        ControlForm form = ControlForm.Read(await context.Request.ReadFormAsync(cancel));
        if (Refusal(frame, form, out JsonObject arguments) is { } refusal)
        {
            return refusal;
        }
        string shown;
        try
        {
            Inspected answer = await context.AuditedAsync(
                $"control.{form.Command!.Name}", form.Worker,
                () => new Inspector(clusters.Find(form.Source)!, mask).AskAsync(form.Command!, arguments, [form.Worker], ToldWithin, KnownWorkers.None, cancel),
                said => form.Detail + $"{said.Replies.Count} answered");
            shown = Sealed(answer, form.Worker);
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            shown = Sealed(problem.Message, well: false);
        }
        return LoginEndpoints.SeeOther(context, frames.Root(context) + form.Back + "&said=" + shown);
    }

    RazorComponentResult<ProblemPage>? Refusal(PageFrame frame, ControlForm form, out JsonObject arguments)
    {
        arguments = [];
        return form.Command is null || form.Worker.Length == 0 || clusters.Find(form.Source) is null ? Problem(frame, "There is no such worker, or nothing that it could be told by that name.", StatusCodes.Status404NotFound)
            : CommandArguments.TryRead(form.Command, form.Fields, out arguments, out (string Field, string Problem)? mistake) ? null
            : Problem(frame, $"Go back and mend it: {mistake!.Value.Problem}", StatusCodes.Status400BadRequest);
    }

    string Sealed(Inspected answer, string worker) =>
        !answer.Replies.TryGetValue(worker, out JsonElement reply) ? Sealed(string.Join(' ', answer.Remarks()), well: false)
        : WorkerStats.IsError(reply) ? Sealed($"{worker}: {WorkerStats.ErrorOf(reply)}", well: false)
        : Sealed($"{worker}: {(reply.ValueKind == JsonValueKind.Object && reply.TryGetProperty("ok", out JsonElement ok) ? ok.ToString() : "done")}", well: true);

    // Words of a worker that travel through an address: sealed, so that nobody else can put words there.
    string Sealed(string text, bool well) => Uri.EscapeDataString(_seal.Protect($"{(well ? '+' : '-')}{Format.OneLine(text, 500)}", clock.GetUtcNow() + Shown));

    (string Text, bool Well)? Unsealed(string? said)
    {
        try
        {
            return string.IsNullOrEmpty(said) || _seal.Unprotect(said) is not { Length: > 1 } text ? null : (text[1..], text[0] == '+');
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    static RazorComponentResult<ProblemPage> Problem(PageFrame frame, string problem, int status) => AdminEndpoints.Page<ProblemPage>(new { Frame = frame, Title = "Worker", Section = "workers", Problem = problem }, status);
}

/// <summary>What a form wants a worker to be told.</summary>
/// <param name="Command">What; null when it is nothing that is known.</param>
/// <param name="Source">Its cluster.</param>
/// <param name="Worker">Its node name.</param>
/// <param name="Fields">What the command takes.</param>
public sealed record ControlForm(WorkerCommand? Command, string Source, string Worker, IReadOnlyDictionary<string, IReadOnlyList<string>> Fields)
{
    /// <summary>The worker's page.</summary>
    public string Back => $"/workers/{Uri.EscapeDataString(Worker)}?source={Uri.EscapeDataString(Source)}";

    /// <summary>For the audit.</summary>
    public string Detail => string.Concat(Fields.Select(given => $"{given.Key} {string.Join(' ', given.Value)}, "));

    /// <summary>Reads a form, or an address.</summary>
    public static ControlForm Read(IEnumerable<KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues>> sent)
    {
        Dictionary<string, IReadOnlyList<string>> all = sent.ToDictionary(field => field.Key, field => (IReadOnlyList<string>)[.. field.Value.OfType<string>().Where(text => text.Trim().Length > 0)]);
        return new ControlForm(
            WorkerCommand.Find(WorkerCommand.Controls, Taken("command")), Taken("source"), Taken("worker"),
            all.Where(field => field.Key != "form" && field.Value.Count > 0).ToDictionary());

        string Taken(string name) => all.Remove(name, out IReadOnlyList<string>? texts) && texts is [var text, ..] ? text : "";
    }
}
