using System.Text.Json;
using System.Text.Json.Serialization;

namespace Belfry;

/// <summary>What the parent tells the child on its stdin, the first line: what to run. Lines that follow ask it to end; the end of the stream ends it.</summary>
sealed record ChildOrder
{
    /// <summary>The line that asks it to end its run.</summary>
    public const string End = "end";

    public required string Task { get; init; }

    public required RunOrder Run { get; init; }

    /// <summary>What other tasks returned, of those whose return it takes up.</summary>
    public Dictionary<string, JsonElement> Returns { get; init; } = [];
}

/// <summary>What the child tells the parent through the pipe, a line each: what its body reports, and how it ended.</summary>
sealed record ChildMessage
{
    static readonly JsonSerializerOptions Compact = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>Started, progress, context, or an outcome.</summary>
    public EventKind Kind { get; init; }

    public long At { get; init; }

    public double? Percent { get; init; }

    public string? Text { get; init; }

    public RunContext? Context { get; init; }

    public string? Result { get; init; }

    public string? Exception { get; init; }

    public string? Traceback { get; init; }

    public string? Place { get; init; }

    public string? Reason { get; init; }

    public bool BeforeBody { get; init; }

    public static ChildMessage Of(TaskEvent told) => new() { Kind = told.Kind, At = told.At.Micros, Percent = told.Percent, Text = told.Text, Context = told.Context };

    public static ChildMessage Of(RunOutcome outcome) => new()
    {
        Kind = outcome.Kind, Result = outcome.Result, Exception = outcome.Exception, Traceback = outcome.Traceback, Place = outcome.Place, Reason = outcome.Reason,
        BeforeBody = outcome.BeforeBody,
    };

    public static ChildMessage? Read(string line) => JsonSerializer.Deserialize<ChildMessage>(line, Compact);

    public string ToLine() => JsonSerializer.Serialize(this, Compact);

    /// <summary>The event that it tells of a run.</summary>
    public TaskEvent ToEvent(TaskDefinition task, RunOrder order, string process) => new()
    {
        Source = order.Source, Id = order.Id, Kind = Kind, At = new Instant(At), Attempt = order.Attempt, Task = task.Name, Worker = process,
        Percent = Percent, Text = Text, Context = Context,
    };

    /// <summary>The outcome that it tells. What the task returned is JSON here.</summary>
    public RunOutcome ToOutcome() => new()
    {
        Kind = Kind, Result = Result, Exception = Exception, Traceback = Traceback, Place = Place, Reason = Reason, BeforeBody = BeforeBody,
        Value = Result is { } json ? JsonElement.Parse(json) : null,
    };
}
