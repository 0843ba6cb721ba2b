using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Workers as their events show them.</summary>
static class WorkerEndpoints
{
    /// <summary><c>GET /workers</c>, silent ones first.</summary>
    public static async Task<IResult> ListAsync([FromServices] RunQueries queries, CancellationToken cancel)
    {
        IReadOnlyList<WorkerStatus> workers = await queries.WorkersAsync(cancel);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (WorkerStatus worker in workers)
            {
                json.WriteStartObject();
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
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }
}
