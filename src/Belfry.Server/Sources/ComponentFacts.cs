using System.Text.Json;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Makes plain facts of what components tell, which is any JSON.</summary>
static class ComponentFacts
{
    // Of one worker; who tells more than that tells a log. Deeper than that nobody reads.
    const int Most = 64, Deepest = 4;

    public static IEnumerable<ComponentFact> Read(IReadOnlyDictionary<string, JsonElement> facts) =>
        facts.OrderBy(fact => fact.Key, StringComparer.Ordinal).SelectMany(fact => Read(fact.Key, fact.Value, 1)).Take(Most);

    static IEnumerable<ComponentFact> Read(string name, JsonElement value, int depth) => value.ValueKind switch
    {
        // Python's whole numbers have no end; what is beyond a real number is told as it stands there.
        JsonValueKind.Number when double.IsFinite(value.GetDouble()) => [new ComponentFact(name, value.GetDouble(), null)],
        JsonValueKind.True or JsonValueKind.False => [new ComponentFact(name, value.GetBoolean() ? 1 : 0, null)],
        JsonValueKind.Object when depth < Deepest => value.EnumerateObject().SelectMany(part => Read($"{name}.{part.Name}", part.Value, depth + 1)),
        JsonValueKind.Null => [],
        JsonValueKind.String => [new ComponentFact(name, null, Excerpt.Of(value.GetString()!, WorkerFacts.LongestText))],
        _ => [new ComponentFact(name, null, Excerpt.Of(value.GetRawText(), WorkerFacts.LongestText))],
    };
}

/// <summary>One thing that a component tells of its health.</summary>
/// <param name="Name">The component and the path within what it tells: <c>kafka.topic_up</c>.</param>
/// <param name="Number">A number; yes is 1 and no is 0.</param>
/// <param name="Text">A text.</param>
sealed record ComponentFact(string Name, double? Number, string? Text)
{
    public Sample ToSample(string source, string worker, Instant at) => WorkerFacts.Sample(source, worker, Name, at, Number, Text);
}
