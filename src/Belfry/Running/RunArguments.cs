using System.Text.Json;

namespace Belfry;

/// <summary>What a call gives its run: values in order, and values by name.</summary>
sealed class RunArguments
{
    static readonly RunArguments None = new([], []);

    readonly JsonElement[] _inOrder;
    readonly Dictionary<string, JsonElement> _named;

    RunArguments(JsonElement[] inOrder, Dictionary<string, JsonElement> named) => (_inOrder, _named) = (inOrder, named);

    /// <summary>How many come in order.</summary>
    public int Places => _inOrder.Length;

    /// <summary>Reads them.</summary>
    /// <exception cref="UnpreparedException">They are not what they should be in JSON.</exception>
    public static RunArguments Of(RunOrder order)
    {
        if (order.Args is null && order.Kwargs is null)
        {
            return None;
        }
        JsonElement? inOrder = Read(order.Args, JsonValueKind.Array), named = Read(order.Kwargs, JsonValueKind.Object);
        return new RunArguments([.. inOrder?.EnumerateArray() ?? default], named?.EnumerateObject().GroupBy(one => one.Name).ToDictionary(one => one.Key, one => one.Last().Value) ?? []);
    }

    /// <summary>The value at a place.</summary>
    public Found At(int place) => place < _inOrder.Length ? Found.Of(_inOrder[place]) : Found.Nothing;

    /// <summary>The value of a name.</summary>
    public Found Named(string name) => _named.TryGetValue(name, out JsonElement value) ? Found.Of(value) : Found.Nothing;

    /// <summary>A value that nobody takes is a mistake of the caller, who would wait for its effect in vain.</summary>
    /// <exception cref="UnpreparedException">There is one.</exception>
    public void Check(TaskRunContext run, HandlerParameter[] parameters)
    {
        if (this == None)
        {
            return;
        }
        if (_named.Keys.FirstOrDefault(name => !parameters.Any(parameter => parameter.Name == name && !parameter.IsOfTheRun)) is { } unknown)
        {
            throw new UnpreparedException($"task '{run.Task.Name}' has no parameter '{unknown}'; it has {Names(parameters)}");
        }
        HandlerParameter[] places = [.. parameters.Where(parameter => parameter.HasPlace(run))];
        if (_inOrder.Length > places.Length)
        {
            throw new UnpreparedException($"the call gives {_inOrder.Length} values in order, and task '{run.Task.Name}' takes {Names(places)}");
        }
        if (Array.Find(places[.._inOrder.Length], parameter => _named.ContainsKey(parameter.Name)) is { } twice)
        {
            throw new UnpreparedException($"the call gives the parameter '{twice.Name}' of task '{run.Task.Name}' twice: in order and by name");
        }
    }

    static string Names(HandlerParameter[] parameters) =>
        parameters.Where(parameter => !parameter.IsOfTheRun).Select(parameter => $"'{parameter.Name}'").ToArray() is { Length: > 0 } names ? string.Join(", ", names) : "none";

    static JsonElement? Read(string? text, JsonValueKind wanted)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }
        string what = wanted == JsonValueKind.Array ? "arguments in order are no JSON array" : "arguments by name are no JSON object";
        try
        {
            JsonElement read = JsonElement.Parse(text);
            return read.ValueKind == wanted ? read : throw new UnpreparedException($"the call's {what}");
        }
        catch (JsonException e)
        {
            throw new UnpreparedException($"the call's {what}: {e.Message}", e);
        }
    }
}
