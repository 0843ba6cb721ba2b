using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Belfry;

/// <summary>An event in JSON, as <c>POST /api/v1/events</c> takes it: the one place that knows its names.</summary>
public static class EventJson
{
    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes an event on one line, with its end. What is null is left out; the worker's own figures are not sent.</summary>
    public static void WriteLine(IBufferWriter<byte> into, TaskEvent item)
    {
        using (var json = new Utf8JsonWriter(into, Plain))
        {
            Write(json, item);
        }
        into.Write("\n"u8);
    }

    /// <summary>Reads an event.</summary>
    /// <param name="json">The object.</param>
    /// <param name="usualSource">The source of one that names none.</param>
    /// <param name="item">The event.</param>
    /// <param name="wrong">The first thing that is wrong with it.</param>
    public static bool TryRead(JsonElement json, string usualSource, [NotNullWhen(true)] out TaskEvent? item, [NotNullWhen(false)] out EventMistake? wrong)
    {
        item = null;
        if (json.ValueKind != JsonValueKind.Object)
        {
            wrong = new EventMistake("", "is no JSON object");
            return false;
        }
        var fields = new EventFields(json);
        TaskEvent read = Read(fields, usualSource);
        wrong = fields.Mistake ?? MistakeIn(read);
        item = wrong is null ? read : null;
        return item is not null;
    }

    static TaskEvent Read(EventFields fields, string usualSource) => new()
    {
        Id = fields.Text("id") ?? "",
        Kind = fields.Kind("kind"),
        At = fields.At("at") ?? fields.Missing<Instant>("at"),
        Task = fields.Text("task"),
        Source = fields.Text("source") ?? usualSource,
        Attempt = fields.Number("attempt", least: 1),
        Worker = fields.Text("worker"),
        Queue = fields.Text("queue"),
        Args = fields.Value("args"),
        Kwargs = fields.Value("kwargs"),
        Result = fields.Value("result"),
        Exception = fields.Text("exception"),
        Traceback = fields.Text("traceback"),
        Runtime = fields.Real("runtime"),
        Percent = fields.Real("percent"),
        Text = fields.Text("text"),
        Reason = fields.Text("reason"),
        Eta = fields.At("eta"),
        Expires = fields.At("expires"),
        Priority = fields.Number("priority", least: int.MinValue),
        Parent = fields.Text("parent"),
        Root = fields.Text("root"),
        App = fields.Text("app"),
        Context = fields.Context("context"),
        Extra = fields.Rest(),
    };

    static EventMistake? MistakeIn(TaskEvent item) =>
        item.Kind.IsAboutWorker() ? item.Worker is null ? new EventMistake("worker", "is missing") : null
        : item.Id.Length == 0 ? new EventMistake("id", "is missing")
        : item.Source.Length == 0 ? new EventMistake("source", "is empty")
        : item.Kind == EventKind.Submitted && item.Task is null ? new EventMistake("task", "is missing, and a submitted event has one")
        : null;

    static void Write(Utf8JsonWriter json, TaskEvent item)
    {
        json.WriteStartObject();
        json.WriteString("id", item.Id);
        json.WriteString("kind", item.Kind.Name());
        JsonFields.At(json, "at", item.At);
        JsonFields.Text(json, "task", item.Task);
        JsonFields.Text(json, "source", item.Source);
        JsonFields.Number(json, "attempt", item.Attempt);
        JsonFields.Text(json, "worker", item.Worker);
        JsonFields.Text(json, "queue", item.Queue);
        JsonFields.Text(json, "args", item.Args);
        JsonFields.Text(json, "kwargs", item.Kwargs);
        JsonFields.Text(json, "result", item.Result);
        JsonFields.Text(json, "exception", item.Exception);
        JsonFields.Text(json, "traceback", item.Traceback);
        JsonFields.Number(json, "runtime", item.Runtime);
        JsonFields.Number(json, "percent", item.Percent);
        JsonFields.Text(json, "text", item.Text);
        JsonFields.Text(json, "reason", item.Reason);
        JsonFields.At(json, "eta", item.Eta);
        JsonFields.At(json, "expires", item.Expires);
        JsonFields.Number(json, "priority", item.Priority);
        JsonFields.Text(json, "parent", item.Parent);
        JsonFields.Text(json, "root", item.Root);
        JsonFields.Text(json, "app", item.App);
        JsonFields.Context(json, item.Context);
        WriteRest(json, item.Extra);
        json.WriteEndObject();
    }

    /// <summary>Fields that Belfry does not know stand beside those it does, where they came from.</summary>
    static void WriteRest(Utf8JsonWriter json, string? extra)
    {
        if (extra is null || !TryParse(extra, out JsonDocument? parsed))
        {
            return;
        }
        using (parsed)
        {
            foreach (JsonProperty field in parsed.RootElement.EnumerateObject().Where(field => !EventFields.IsKnown(field.Name)))
            {
                field.WriteTo(json);
            }
        }
    }

    /// <summary>It was an object once, but is cut where it was too long.</summary>
    static bool TryParse(string text, [NotNullWhen(true)] out JsonDocument? parsed)
    {
        try
        {
            parsed = JsonDocument.Parse(text);
            if (parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                return true;
            }
            parsed.Dispose();
        }
        catch (JsonException)
        {
            // cut
        }
        parsed = null;
        return false;
    }
}

/// <summary>What is wrong with an event.</summary>
/// <param name="Field">The field; empty for the whole.</param>
/// <param name="Problem">What, so that it reads on behind the field's name.</param>
public sealed record EventMistake(string Field, string Problem);
