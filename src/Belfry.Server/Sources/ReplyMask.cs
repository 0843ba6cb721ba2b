using System.Buffers;
using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Storage.Payloads;

namespace Belfry.Server.Sources;

/// <summary>Hides secrets in what workers say, by the rules of the log: their arguments and settings come whole.</summary>
static class ReplyMask
{
    // Replies are nested as deep as arguments are; JSON is read no deeper.
    const int Deepest = 64;

    public static JsonElement Apply(SecretMask mask, WorkerCommand command, JsonElement reply)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            // Figures by task: of a task that is called refresh_token they are no secret.
            Write(json, mask, command.Method == "stats", reply, 0);
        }
        return JsonElement.Parse(bytes.WrittenSpan);
    }

    static void Write(Utf8JsonWriter json, SecretMask mask, bool figures, JsonElement value, int depth)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when depth < Deepest:
                json.WriteStartObject();
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    json.WritePropertyName(mask.Apply(property.Name)!);
                    if (property.Value.ValueKind != JsonValueKind.Null && mask.Hides(property.Name) && !(figures && property.Value.ValueKind == JsonValueKind.Number))
                    {
                        json.WriteStringValue(SecretMask.Hidden);
                    }
                    else
                    {
                        Write(json, mask, figures, property.Value, depth + 1);
                    }
                }
                json.WriteEndObject();
                break;
            case JsonValueKind.Array when depth < Deepest:
                json.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Write(json, mask, figures, item, depth + 1);
                }
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(mask.Apply(value.GetString()));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
