using System.Text.Json;
using Belfry.Mail;

namespace Belfry.Server.Checks;

/// <summary>Reads the fields of one task, and collects every mistake instead of stopping at the first.</summary>
sealed class StatusFields
{
    // Ten years: longer than any log, and far from where adding to an instant ends.
    const double MostHours = 87_600;

    static readonly string[] Known = ["expected_statuses", "notify_to", "dependent_tasks", "lookback_hours", "context_model", "context_type"];

    readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    readonly List<string> _problems = [];

    public StatusFields(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            _problems.Add($"a dictionary of settings is expected, not {Kind(entry)}");
            return;
        }
        foreach (JsonProperty field in entry.EnumerateObject())
        {
            if (!Known.Contains(field.Name, StringComparer.Ordinal))
            {
                _problems.Add($"{field.Name} is not known; known are {string.Join(", ", Known)}");
            }
            else if (!_fields.TryAdd(field.Name, field.Value))
            {
                _problems.Add($"{field.Name} is there twice");
            }
        }
        IsObject = true;
    }

    bool IsObject { get; }

    public IReadOnlyList<string> Problems => _problems;

    public Check ToCheck(string task, string name)
    {
        if (task.Length == 0)
        {
            _problems.Add("the name is empty");
        }
        var check = new Check
        {
            Name = name,
            Task = task,
            Expects = new StatusExpectation(IsObject ? States() : [], Lookback()),
            NotifyTo = Texts("notify_to", single: true),
            DependentTasks = Texts("dependent_tasks", single: false),
            Context = Context(),
        };
        _problems.AddRange(check.NotifyTo.Where(address => !Mailbox.TryParse(address, out _)).Select(address => $"notify_to: '{address}' is no address"));
        return check;
    }

    /// <summary>What a value is, in words.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "a dictionary",
        JsonValueKind.String => $"the text \"{value.GetString()}\"",
        JsonValueKind.Null => "null",
        _ => value.GetRawText(),
    };

    RunState[] States()
    {
        if (!Has("expected_statuses", out JsonElement value))
        {
            _problems.Add("expected_statuses is missing");
            return [];
        }
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            _problems.Add($"expected_statuses: a list of at least one status is expected, not {(value.ValueKind == JsonValueKind.Array ? "an empty one" : Kind(value))}");
            return [];
        }
        return [.. value.EnumerateArray().Select(State).OfType<RunState>().Distinct()];
    }

    RunState? State(JsonElement value)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        if (RunStates.TryParse(text, out RunState state))
        {
            return state;
        }
        _problems.Add($"expected_statuses: unknown status '{text}'; known are {string.Join(", ", Enum.GetNames<RunState>())}, Stopped, Invalidated and Celery's names");
        return null;
    }

    TimeSpan Lookback()
    {
        if (!Has("lookback_hours", out JsonElement value))
        {
            return TimeSpan.FromHours(1);
        }
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double hours) && hours is > 0 and <= MostHours)
        {
            return TimeSpan.FromHours(hours);
        }
        _problems.Add($"lookback_hours: a number of hours is expected, more than 0 and at most {MostHours:0}, not {Kind(value)}");
        return TimeSpan.FromHours(1);
    }

    RunContext? Context()
    {
        string? model = Text("context_model"), type = Text("context_type");
        if (model is null != type is null)
        {
            _problems.Add($"{(model is null ? "context_model" : "context_type")} is missing; context_model and context_type go together");
        }
        return model is not null && type is not null ? new RunContext(model, type, null) : null;
    }

    string? Text(string name)
    {
        if (!Has(name, out JsonElement value))
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.String && value.GetString()!.Length > 0)
        {
            return value.GetString();
        }
        _problems.Add($"{name}: a text is expected, not {Kind(value)}");
        return "";
    }

    string[] Texts(string name, bool single)
    {
        if (!Has(name, out JsonElement value))
        {
            return [];
        }
        if (single && value.ValueKind == JsonValueKind.String)
        {
            return value.GetString()!.Length == 0 ? [] : [value.GetString()!];
        }
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
        {
            return [.. value.EnumerateArray().Select(item => item.GetString()!)];
        }
        _problems.Add($"{name}: a list of texts is expected, not {Kind(value)}");
        return [];
    }

    // Python's None is the same as leaving the field out.
    bool Has(string name, out JsonElement value) => _fields.TryGetValue(name, out value) && value.ValueKind != JsonValueKind.Null;
}
