using System.Text.Json;

namespace Belfry.Server.Api;

/// <summary>A run in JSON: the one place that knows its names. What is not known is left out.</summary>
static class RunJson
{
    public static void Write(Utf8JsonWriter json, TaskRun run)
    {
        json.WriteStartObject();
        json.WriteString("id", run.Id);
        json.WriteString("source", run.Source);
        json.WriteNumber("attempt", run.Attempt);
        json.WriteString("state", run.State.ToString());
        Text(json, "task", run.Task);
        Text(json, "app", run.App ?? AppNames.Of(run.Task));
        Text(json, "worker", run.Worker);
        Text(json, "queue", run.Queue);
        json.WriteNumber("redeliveries", run.Redeliveries);
        At(json, "submitted", run.Submitted);
        At(json, "received", run.Received);
        At(json, "started", run.Started);
        At(json, "finished", run.Finished);
        At(json, "updated", run.Updated);
        Number(json, "runtime", run.Runtime);
        Text(json, "args", run.Args);
        Text(json, "kwargs", run.Kwargs);
        Text(json, "result", run.Result);
        Text(json, "exception", run.Exception);
        Text(json, "traceback", run.Traceback);
        Text(json, "reason", run.Reason);
        Number(json, "percent", run.Percent);
        Text(json, "text", run.Text);
        At(json, "eta", run.Eta);
        At(json, "expires", run.Expires);
        Number(json, "priority", run.Priority);
        Text(json, "parent", run.Parent);
        Text(json, "root", run.Root);
        Context(json, run.Context);
        Extra(json, run.Extra);
        if (run.ClockOff)
        {
            json.WriteBoolean("clock", true);
        }
        json.WriteEndObject();
    }

    /// <summary>An instant as RFC 3339 in UTC, with microseconds; left out when it is not known.</summary>
    public static void At(Utf8JsonWriter json, string name, Instant? at)
    {
        if (at is { } known)
        {
            json.WriteString(name, known.ToString());
        }
    }

    /// <summary>A text; left out when it is not known.</summary>
    public static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    /// <summary>A number; left out when it is not known, or no number that JSON has.</summary>
    public static void Number(Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } known && double.IsFinite(known))
        {
            json.WriteNumber(name, known);
        }
    }

    static void Context(Utf8JsonWriter json, RunContext? context)
    {
        if (context is null)
        {
            return;
        }
        json.WriteStartObject("context");
        Text(json, "model", context.Model);
        Text(json, "type", context.Type);
        Text(json, "id", context.Id);
        json.WriteEndObject();
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
