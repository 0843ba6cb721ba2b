using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Celery;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Workers as their events show them, and as they show themselves when they are asked.</summary>
static class WorkerEndpoints
{
    const string Own = "belfry"; // the source of what the server does itself

    /// <summary><c>GET /workers</c>, silent ones first.</summary>
    public static async Task<IResult> ListAsync(HttpRequest request, [FromServices] RunQueries queries, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        IReadOnlyList<WorkerStatus> workers = await queries.WorkersAsync(cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (WorkerStatus worker in workers)
            {
                json.WriteStartObject();
                Write(json, worker);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /workers/{name}</c>: what the log knows of it, and what it answers within a second.</summary>
    public static async Task<IResult> FindAsync(
        HttpRequest request, [FromServices] RunQueries queries, [FromServices] Clusters clusters, [FromServices] SecretMask mask, string name, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, ["source"]) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        string worker = RouteName.Decoded(name);
        string? source = Parameters.Text(request.Query, "source");
        WorkerStatus[] found = [.. (await queries.WorkersAsync(cancel)).Where(one => one.Name == worker && (source is null || one.Source == source))];
        if (found.Length > 1)
        {
            return Problems.Bad(new FieldProblem("source", $"Several sources have a worker '{worker}'; say which: {string.Join(", ", found.Select(one => one.Source))}."));
        }
        return found is not [var status]
            ? Problems.NotFound($"No worker '{worker}' is known{(source is null ? "" : $" of '{source}'")}.")
            : await TellAsync(
                status, await queries.LatestSamplesAsync(SampleKinds.WorkerFact, cancel),
                UnseenStart.Read(await queries.LatestSamplesAsync(SampleKinds.UnseenStarts, cancel), status.Source, status.Name), clusters, mask, cancel);
    }

    /// <summary><c>GET /facts</c>: what components of workers told last of their health, those of .NET applications and the server's own, too.</summary>
    public static async Task<IResult> FactsAsync(HttpRequest request, [FromServices] RunLog log, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, ["source", "worker"]) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        string? source = Parameters.Text(request.Query, "source"), worker = Parameters.Text(request.Query, "worker");
        StoreStatus store = await log.Queries.StatusAsync(cancel);
        Sample index = WorkerFacts.Sample(Own, Environment.MachineName, "full-text-index", Instant.Now(clock), store.TextIndex?.Due, store.TellTextIndex(log.WantsTextIndex));
        IReadOnlyList<Sample> facts = [.. await log.Queries.LatestSamplesAsync(SampleKinds.WorkerFact, cancel), index];
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (Sample fact in WorkerFacts.Of(facts, source, worker))
            {
                (string of, string name) = WorkerFacts.Parts(fact, worker);
                json.WriteStartObject();
                json.WriteString("source", fact.Source);
                json.WriteString("worker", of);
                Write(json, name, fact);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    static async Task<IResult> TellAsync(
        WorkerStatus status, IReadOnlyList<Sample> samples, IReadOnlyList<UnseenStart> unseen, Clusters clusters, SecretMask mask, CancellationToken cancel)
    {
        InspectedWorker? said = null;
        string? problem = null;
        try
        {
            said = clusters.Find(status.Source) is { } cluster ? await InspectedWorker.AskAsync(new Inspector(cluster, mask), status.Name, RemoteControl.UsualTimeout, cancel) : null;
        }
        catch (Exception e) when (e is IOException or BrokerException)
        {
            problem = e.Message;
        }
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            Write(json, status);
            JsonFields.Text(json, "presence", said?.Presence.ToString().ToLowerInvariant());
            JsonFields.Text(json, "problem", problem);
            Write(json, "stats", said?.Stats);
            if (said?.Stats is { } stats)
            {
                json.WriteStartObject("facts");
                foreach ((string component, JsonElement fact) in WorkerStats.FactsOf(stats))
                {
                    Write(json, component, fact);
                }
                json.WriteEndObject();
            }
            WriteNoted(json, status.Name, WorkerFacts.Of(samples, status.Source, status.Name));
            Write(json, unseen);
            Write(json, "queues", said?.Queues);
            Write(json, "registered", said?.Registered);
            Write(json, "runs", said?.Active);
            Write(json, "reserved", said?.Reserved);
            Write(json, "scheduled", said?.Scheduled);
            Write(json, "revoked", said?.Revoked);
            Write(json, "conf", said?.Settings);
            json.WriteEndObject();
        });
    }

    /// <summary>What components told last, also of a worker that does not answer.</summary>
    static void WriteNoted(Utf8JsonWriter json, string worker, IEnumerable<Sample> facts)
    {
        json.WriteStartArray("noted_facts");
        foreach (Sample fact in facts)
        {
            json.WriteStartObject();
            Write(json, WorkerFacts.Parts(fact, worker).Fact, fact);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>Runs that it began and of which nothing else will be known, the latest first.</summary>
    static void Write(Utf8JsonWriter json, IReadOnlyList<UnseenStart> unseen)
    {
        json.WriteStartArray("unseen_starts");
        foreach (UnseenStart one in unseen)
        {
            json.WriteStartObject();
            JsonFields.At(json, "from", one.From);
            JsonFields.At(json, "to", one.To);
            json.WriteNumber("starts", one.Starts);
            json.WriteStartObject("tasks");
            foreach ((string task, long starts) in one.Tasks)
            {
                json.WriteNumber(task, starts);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(Utf8JsonWriter json, string name, Sample fact)
    {
        json.WriteString("fact", name);
        JsonFields.Number(json, "value", fact.Value);
        JsonFields.Text(json, "text", fact.Text);
        JsonFields.At(json, "at", fact.At);
    }

    static void Write(Utf8JsonWriter json, WorkerStatus worker)
    {
        json.WriteString("source", worker.Source);
        json.WriteString("worker", worker.Name);
        json.WriteBoolean("online", worker.Online);
        JsonFields.At(json, "last_beat", worker.LastBeat);
        JsonFields.At(json, "last_heard", worker.LastHeard);
        json.WriteNumber("open_runs", worker.OpenRuns);
        JsonFields.Number(json, "pid", worker.Beat.Pid);
        JsonFields.Number(json, "beat_seconds", worker.Beat.Frequency);
        JsonFields.Number(json, "active", worker.Beat.Active);
        JsonFields.Number(json, "processed", worker.Beat.Processed);
        JsonFields.Text(json, "software", worker.Beat.Software);
    }

    static void Write(Utf8JsonWriter json, string name, JsonElement? said)
    {
        if (said is { } value)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }
    }
}
