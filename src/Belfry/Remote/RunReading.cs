using System.Text.Json;

namespace Belfry;

/// <summary>Reads runs as a server's API tells them.</summary>
static class RunReading
{
    /// <summary>A run; null where it is none.</summary>
    public static TaskRun? Of(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || Text(json, "id") is not { } id || Text(json, "source") is not { } source || !RunStates.TryParse(Text(json, "state"), out RunState state))
        {
            return null;
        }
        Instant? submitted = At(json, "submitted"), received = At(json, "received"), started = At(json, "started"), finished = At(json, "finished");
        Instant first = new[] { submitted, received, started, finished, At(json, "updated") }.OfType<Instant>().DefaultIfEmpty().Min();
        return new TaskRun
        {
            Source = source, Id = id, Attempt = (int)(Number(json, "attempt") ?? 1), State = state, At = started ?? first, First = first, Updated = At(json, "updated") ?? first,
            Task = Text(json, "task"), Worker = Text(json, "worker"), Queue = Text(json, "queue"), App = Text(json, "app"),
            Submitted = submitted, Received = received, Started = started, Finished = finished, Runtime = Number(json, "runtime"),
            Args = Text(json, "args"), Kwargs = Text(json, "kwargs"), Result = Text(json, "result"), Exception = Text(json, "exception"), Traceback = Text(json, "traceback"),
            Reason = Text(json, "reason"), Percent = Number(json, "percent"), Text = Text(json, "text"), Eta = At(json, "eta"), Expires = At(json, "expires"),
            Priority = (int?)Number(json, "priority"), Parent = Text(json, "parent"), Root = Text(json, "root"), Context = Context(json), Reconciled = Reconciled(json), Until = At(json, "until"),
        };
    }

    static RunParts Reconciled(JsonElement json) => json.TryGetProperty("reconciled", out JsonElement parts) && parts.ValueKind == JsonValueKind.Array
        ? RunPartNames.Parse(parts.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.String).Select(part => part.GetString()))
        : RunParts.None;

    static RunContext? Context(JsonElement json) => json.TryGetProperty("context", out JsonElement context) && context.ValueKind == JsonValueKind.Object
        ? new RunContext(Text(context, "model"), Text(context, "type"), Text(context, "id"))
        : null;

    static string? Text(JsonElement json, string field) => json.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static double? Number(JsonElement json, string field) => json.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    static Instant? At(JsonElement json, string field) => Instant.TryParse(Text(json, field), out Instant at) ? at : null;
}
