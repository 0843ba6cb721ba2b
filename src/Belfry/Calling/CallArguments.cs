using System.Collections;
using System.Text.Json;

namespace Belfry;

/// <summary>The arguments of a call as JSON. Pure.</summary>
/// <param name="Args">In order, an array; null for none.</param>
/// <param name="Kwargs">By name, an object; null for none.</param>
readonly record struct CallArguments(string? Args, string? Kwargs)
{
    /// <summary>What a caller gives: an array in order, an object or dictionary by name, a simple value as the first.</summary>
    public static CallArguments Of(object? given, JsonSerializerOptions json)
    {
        if (given is null)
        {
            return default;
        }
        JsonElement value = JsonSerializer.SerializeToElement(given, given.GetType(), json);
        return value.ValueKind switch
        {
            JsonValueKind.Array when given is not IDictionary => new CallArguments(value.GetRawText(), null),
            JsonValueKind.Object => new CallArguments(null, value.GetRawText()),
            _ => new CallArguments($"[{value.GetRawText()}]", null),
        };
    }

    /// <summary>As the log may show them.</summary>
    public ShownArguments? Shown(TaskDefinition? task)
    {
        if (task is null || !task.Parameters.Any(parameter => parameter.IsPrivate))
        {
            return null;
        }
        return new ShownArguments(PrivateValues.MaskInOrder(task, Args), PrivateValues.Mask(task, Kwargs));
    }
}
