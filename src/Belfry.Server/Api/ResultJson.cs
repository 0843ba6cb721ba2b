using System.Text.Json;
using Belfry.Celery.Results;
using Belfry.Server.Sources;

namespace Belfry.Server.Api;

/// <summary>What became of a run, in JSON: the same over the API and from <c>belfry result --json</c>.</summary>
public static class ResultJson
{
    /// <summary>Writes the better of what is known.</summary>
    internal static void Write(Utf8JsonWriter json, RunEnd outcome)
    {
        // Lost is what the log says until the truth comes; a record that is still open may be of an attempt before.
        if (outcome.Run is { } run && (outcome.Record?.Status is null || (!outcome.Record.IsFinal && run.State.IsFinal())))
        {
            Write(json, run);
        }
        else
        {
            Write(json, outcome.Record!);
        }
    }

    /// <summary>Writes what a result backend keeps of a run.</summary>
    public static void Write(Utf8JsonWriter json, ResultRecord record)
    {
        json.WriteStartObject();
        json.WriteString("id", record.Id);
        JsonFields.Text(json, "task", record.Task);
        json.WriteString("state", record.State?.ToString() ?? record.Status ?? "unknown");
        json.WriteBoolean("ended", record.IsFinal);
        if (record.PlainResult is { } result && record.Exception is null)
        {
            json.WritePropertyName("result");
            json.WriteRawValue(result, skipInputValidation: true);
        }
        JsonFields.Text(json, "exception", record.Exception);
        JsonFields.Text(json, "traceback", record.Traceback);
        JsonFields.At(json, "finished", record.Done);
        JsonFields.Text(json, "problem", record.Problem);
        if (record.Children.Count > 0)
        {
            json.WriteStartArray("children");
            foreach (string child in record.Children)
            {
                json.WriteStringValue(child);
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>Writes what the log knows of a run's result: a text, as Python prints it or as the application wrote it.</summary>
    public static void Write(Utf8JsonWriter json, TaskRun run)
    {
        json.WriteStartObject();
        json.WriteString("id", run.Id);
        JsonFields.Text(json, "task", run.Task);
        json.WriteString("state", run.State.ToString());
        json.WriteBoolean("ended", run.State.IsFinal());
        JsonFields.Text(json, "result_text", run.Result);
        JsonFields.Text(json, "exception", run.Exception);
        JsonFields.Text(json, "traceback", run.Traceback);
        JsonFields.Text(json, "reason", run.Reason);
        JsonFields.At(json, "finished", run.Finished);
        json.WriteEndObject();
    }
}
