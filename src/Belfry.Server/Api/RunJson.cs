using System.Text.Json;
using Belfry.Server.Sources;

namespace Belfry.Server.Api;

/// <summary>A run in JSON: the one place that knows its names. What is not known is left out.</summary>
static class RunJson
{
    public static void Write(Utf8JsonWriter json, TaskRun run, OverdueAt? overdue = null)
    {
        json.WriteStartObject();
        json.WriteString("id", run.Id);
        json.WriteString("source", run.Source);
        json.WriteNumber("attempt", run.Attempt);
        json.WriteString("state", run.State.ToString());
        JsonFields.Text(json, "task", run.Task);
        JsonFields.Text(json, "app", run.App ?? AppNames.Of(run.Task));
        JsonFields.Text(json, "worker", run.Worker);
        JsonFields.Text(json, "queue", run.Queue);
        json.WriteNumber("redeliveries", run.Redeliveries);
        JsonFields.At(json, "submitted", run.Submitted);
        JsonFields.At(json, "received", run.Received);
        JsonFields.At(json, "started", run.Started);
        JsonFields.At(json, "finished", run.Finished);
        JsonFields.At(json, "updated", run.Updated);
        JsonFields.Number(json, "runtime", run.Runtime);
        JsonFields.Text(json, "args", run.Args);
        JsonFields.Text(json, "kwargs", run.Kwargs);
        JsonFields.Text(json, "result", run.Result);
        JsonFields.Text(json, "exception", run.Exception);
        JsonFields.Text(json, "traceback", run.Traceback);
        JsonFields.Text(json, "reason", run.Reason);
        JsonFields.Number(json, "percent", run.Percent);
        JsonFields.Text(json, "text", run.Text);
        JsonFields.At(json, "eta", run.Eta);
        JsonFields.At(json, "expires", run.Expires);
        JsonFields.Number(json, "priority", run.Priority);
        JsonFields.Text(json, "parent", run.Parent);
        JsonFields.Text(json, "root", run.Root);
        JsonFields.Context(json, run.Context);
        Extra(json, run.Extra);
        if (run.ClockOff)
        {
            json.WriteBoolean("clock", true);
        }
        Reconciled(json, run);
        Words(json, "overdue", overdue is { } limit ? Overdue.Of(run, limit.Limits, limit.Now) : []);
        json.WriteEndObject();
    }

    static void Reconciled(Utf8JsonWriter json, TaskRun run)
    {
        Words(json, "reconciled", run.Reconciled.ToNames());
        JsonFields.At(json, "until", run.Until);
    }

    static void Words(Utf8JsonWriter json, string name, IEnumerable<string> words)
    {
        bool any = false;
        foreach (string word in words)
        {
            if (!any)
            {
                json.WriteStartArray(name);
            }
            any = true;
            json.WriteStringValue(word);
        }
        if (any)
        {
            json.WriteEndArray();
        }
    }

    /// <summary>It was read from JSON once, but cut where it was too long: then it is text.</summary>
    static void Extra(Utf8JsonWriter json, string? extra)
    {
        if (extra is null)
        {
            return;
        }
        try
        {
            using var parsed = JsonDocument.Parse(extra);
            json.WritePropertyName("extra");
            parsed.RootElement.WriteTo(json);
        }
        catch (JsonException)
        {
            json.WriteString("extra", extra);
        }
    }
}

/// <summary>From when on runs are overdue, as of an instant.</summary>
readonly record struct OverdueAt(OverdueSettings Limits, Instant Now);

/// <summary>Sends JSON that a method writes.</summary>
sealed class JsonResult(Action<Utf8JsonWriter> write, int status = 200) : Microsoft.AspNetCore.Http.IResult
{
    public async Task ExecuteAsync(Microsoft.AspNetCore.Http.HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(httpContext.Response.BodyWriter, JsonText.Options);
        write(json);
        await json.FlushAsync(httpContext.RequestAborted);
    }
}

/// <summary>How JSON is written.</summary>
static class JsonText
{
    /// <summary>Only what must be escaped is: it is sent as JSON, never inside a page.</summary>
    public static JsonWriterOptions Options { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
