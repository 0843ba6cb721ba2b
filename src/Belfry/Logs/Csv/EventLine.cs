using System.Globalization;
using System.Text;

namespace Belfry;

/// <summary>An event as a line of values: <c>at;action;task;id;attempt;…</c></summary>
static class EventLine
{
    const char Separator = ';';

    static readonly (string Name, Func<TaskEvent, string?> Get)[] Columns =
    [
        ("at", item => item.At.ToString()),
        ("action", item => item.Kind.Name()),
        ("task", item => item.Task),
        ("id", item => item.Id),
        ("attempt", item => item.Attempt?.ToString(CultureInfo.InvariantCulture)),
        ("runtime", item => item.Runtime?.ToString("R", CultureInfo.InvariantCulture)),
        ("exception", item => item.Exception),
        ("reason", item => item.Reason),
        ("result", item => item.Result),
        ("args", item => item.Args),
        ("kwargs", item => item.Kwargs),
        ("traceback", item => item.Traceback),
        ("source", item => item.Source),
        ("worker", item => item.Worker),
        ("queue", item => item.Queue),
        ("percent", item => item.Percent?.ToString("R", CultureInfo.InvariantCulture)),
        ("text", item => item.Text),
        ("model", item => item.Context?.Model),
        ("type", item => item.Context?.Type),
        ("context", item => item.Context?.Id),
        ("eta", item => item.Eta?.ToString()),
        ("expires", item => item.Expires?.ToString()),
        ("priority", item => item.Priority?.ToString(CultureInfo.InvariantCulture)),
        ("parent", item => item.Parent),
        ("root", item => item.Root),
        ("app", item => item.App),
        ("extra", item => item.Extra),
    ];

    /// <summary>The first line.</summary>
    public static string Head { get; } = string.Join(Separator, Columns.Select(column => column.Name)) + "\n";

    /// <summary>The line of an event.</summary>
    public static string Of(TaskEvent item)
    {
        var line = new StringBuilder();
        foreach ((string _, Func<TaskEvent, string?> get) in Columns)
        {
            Append(line.Length == 0 ? line : line.Append(Separator), get(item));
        }
        return line.Append('\n').ToString();
    }

    /// <summary>The event of a line whose columns have these names; columns of other names are passed over.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TaskEvent Read(IReadOnlyList<string> names, IReadOnlyList<string?> values)
    {
        string? Value(string name) => names.IndexOf(name) is >= 0 and var place && place < values.Count ? values[place] : null;
        Instant? At(string name) => Value(name) is not { } text ? null : Instant.TryParse(text, out Instant at) ? at : throw new FormatException($"'{text}' is no instant");
        double? Number(string name) => Value(name) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;
        return new TaskEvent
        {
            At = At("at") ?? throw new FormatException("there is no 'at'"),
            Kind = EventKinds.TryParse(Value("action"), out EventKind kind) ? kind : throw new FormatException($"'{Value("action")}' is no action"),
            Task = Value("task"), Id = Value("id") ?? "", Attempt = (int?)Number("attempt"), Runtime = Number("runtime"), Exception = Value("exception"),
            Reason = Value("reason"), Result = Value("result"), Args = Value("args"), Kwargs = Value("kwargs"), Traceback = Value("traceback"),
            Source = Value("source") ?? "local", Worker = Value("worker"), Queue = Value("queue"), Percent = Number("percent"), Text = Value("text"),
            Context = Value("model") is null && Value("type") is null && Value("context") is null ? null : new RunContext(Value("model"), Value("type"), Value("context")),
            Eta = At("eta"), Expires = At("expires"), Priority = (int?)Number("priority"), Parent = Value("parent"), Root = Value("root"), App = Value("app"), Extra = Value("extra"),
        };
    }

    static int IndexOf(this IReadOnlyList<string> names, string name)
    {
        int place = names.Count - 1;
        while (place >= 0 && names[place] != name)
        {
            place--;
        }
        return place;
    }

    /// <summary>No value and an empty one are told apart by quotes.</summary>
    static void Append(StringBuilder line, string? value)
    {
        if (value is null)
        {
            return;
        }
        bool plain = value.Length > 0 && value.AsSpan().IndexOfAny("\";\r\n") < 0;
        if (plain)
        {
            line.Append(value);
        }
        else
        {
            line.Append('"').Append(value.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
        }
    }
}
