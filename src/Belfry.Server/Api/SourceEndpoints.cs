using System.Text.Json;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Belfry.Server.Api;

/// <summary>Where events come from.</summary>
static class SourceEndpoints
{
    static readonly TimeSpan LookBack = TimeSpan.FromDays(7);

    /// <summary><c>GET /sources</c>: how each does, when it was not listened to in the last week, and what of it was refused, dropped or unknown, with the reason.</summary>
    public static async Task<IResult> ListAsync(HttpRequest request, [FromServices] RunQueries queries, [FromServices] TimeProvider clock, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query, []) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        Instant now = Instant.Now(clock);
        Dictionary<string, SourceStatus> sources = (await queries.SourcesAsync(cancel)).ToDictionary(source => source.Name, StringComparer.Ordinal);
        ILookup<string, SourceGap> gaps = (await queries.GapsAsync(now - LookBack, now, cancel)).ToLookup(gap => gap.Source, StringComparer.Ordinal);
        ILookup<string, Refusal> refused = (await queries.RefusalsAsync(cancel)).ToLookup(refusal => refusal.Source, StringComparer.Ordinal);
        return new JsonResult(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            // Of some only is known that they sent what nobody could use.
            foreach (string name in sources.Keys.Union(refused.Select(source => source.Key)).Order(StringComparer.Ordinal))
            {
                Write(json, name, sources.GetValueOrDefault(name), gaps[name], refused[name]);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    static void Write(Utf8JsonWriter json, string name, SourceStatus? source, IEnumerable<SourceGap> gaps, IEnumerable<Refusal> refused)
    {
        json.WriteStartObject();
        json.WriteString("source", name);
        if (source is not null)
        {
            json.WriteString("kind", source.Kind);
            json.WriteBoolean("misses", source.Misses);
            JsonFields.At(json, "since", source.Heard);
            JsonFields.At(json, "last_event", source.LastEvent);
            JsonFields.Text(json, "problem", source.Problem);
            JsonFields.Text(json, "reader", source.Reader);
        }
        json.WriteStartArray("gaps");
        foreach (SourceGap gap in gaps)
        {
            json.WriteStartObject();
            JsonFields.At(json, "from", gap.From);
            JsonFields.At(json, "to", gap.To);
            json.WriteString("reason", gap.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("refused");
        foreach (Refusal refusal in refused)
        {
            json.WriteStartObject();
            json.WriteString("what", refusal.What);
            json.WriteNumber("times", refusal.Times);
            JsonFields.At(json, "last", refusal.Last);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
