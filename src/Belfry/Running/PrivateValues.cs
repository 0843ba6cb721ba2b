using System.Text.Json;
using System.Text.Json.Nodes;

namespace Belfry;

/// <summary>Hides what a call gives for private parameters, before it is logged. Pure.</summary>
static class PrivateValues
{
    const string Hidden = "***";

    /// <summary>Values by name, without those that are private.</summary>
    public static string? Mask(TaskDefinition task, string? kwargs)
    {
        if (kwargs is null || !HasPrivate(task))
        {
            return kwargs;
        }
        try
        {
            JsonObject? values = JsonNode.Parse(kwargs) as JsonObject;
            foreach (TaskParameter parameter in task.Parameters.Where(parameter => parameter.IsPrivate && values?.ContainsKey(parameter.Name) == true))
            {
                values![parameter.Name] = Hidden;
            }
            return values?.ToJsonString();
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Values in order: where one may be private, only how many there are.</summary>
    public static string? MaskInOrder(TaskDefinition task, string? args)
    {
        if (args is null || !HasPrivate(task))
        {
            return args;
        }
        try
        {
            return JsonNode.Parse(args) is JsonArray values ? JsonSerializer.Serialize(values.Select(_ => Hidden)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static bool HasPrivate(TaskDefinition task) => task.Parameters.Any(parameter => parameter.IsPrivate);
}
