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
                RunJson.At(json, "last_beat", worker.LastBeat);
                RunJson.At(json, "last_heard", worker.LastHeard);
                json.WriteNumber("open_runs", worker.OpenRuns);
                RunJson.Number(json, "pid", worker.Beat.Pid);
                RunJson.Number(json, "beat_seconds", worker.Beat.Frequency);
                RunJson.Number(json, "active", worker.Beat.Active);
                RunJson.Number(json, "processed", worker.Beat.Processed);
                RunJson.Text(json, "software", worker.Beat.Software);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }
}
