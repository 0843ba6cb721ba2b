using System.Text.Json;

namespace Belfry.Server.Api;

/// <summary>What the book of tasks says of a task, why it starts and when, in JSON: the same over the API and from the command.</summary>
static class ForecastJson
{
    /// <summary>A task as an application registered it.</summary>
    public static void Write(Utf8JsonWriter json, BookedTask task)
    {
        json.WriteStartObject();
        json.WriteString("task", task.Name);
        json.WriteString("condition", task.Start);
        json.WritePropertyName("options");
        json.WriteRawValue(task.Options);
        json.WritePropertyName("parameters");
        json.WriteRawValue(task.Parameters);
        json.WriteString("source", task.Source);
        json.WriteString("process", task.Process);
        JsonFields.At(json, "registered", task.Registered);
        JsonFields.At(json, "seen", task.Seen);
        if (task.IsDisabled is { } disabled)
        {
            json.WriteBoolean("disabled", disabled);
        }
        json.WriteEndObject();
    }

    /// <summary>Why it starts or does not: its condition as a tree.</summary>
    public static void WriteWhy(Utf8JsonWriter json, TaskForecast forecast)
    {
        json.WriteStartObject();
        Begin(json, forecast);
        json.WritePropertyName("why");
        Write(json, forecast.Why());
        json.WriteEndObject();
    }

    /// <summary>Its next starts.</summary>
    public static void WriteNext(Utf8JsonWriter json, TaskForecast forecast, int starts)
    {
        json.WriteStartObject();
        Begin(json, forecast);
        json.WriteStartArray("next");
        foreach (Instant start in forecast.Next(starts))
        {
            json.WriteStringValue(start.ToString());
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void Begin(Utf8JsonWriter json, TaskForecast forecast)
    {
        json.WriteString("task", forecast.Task.Name);
        json.WriteString("condition", forecast.Task.Start);
        json.WriteBoolean("disabled", forecast.IsDisabled);
        json.WriteString("process", forecast.Task.Process);
        JsonFields.At(json, "seen", forecast.Task.Seen);
        json.WriteStartArray("known_only_in_process");
        foreach (string function in forecast.Unknown)
        {
            json.WriteStringValue(function);
        }
        json.WriteEndArray();
    }

    static void Write(Utf8JsonWriter json, Explanation why)
    {
        json.WriteStartObject();
        json.WriteString("text", why.Text);
        json.WriteBoolean("holds", why.Holds);
        json.WriteString("because", why.Because);
        json.WriteString("until", why.NextChange?.ToString());
        json.WriteStartArray("parts");
        foreach (Explanation part in why.Parts)
        {
            Write(json, part);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
