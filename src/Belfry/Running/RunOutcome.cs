using System.Text.Json;

namespace Belfry;

/// <summary>How one attempt ended.</summary>
public sealed record RunOutcome
{
    /// <summary>Succeeded, failed, cancelled or skipped; lost when the process that ran it died.</summary>
    public required EventKind Kind { get; init; }

    /// <summary>What it returned, as JSON; null for nothing.</summary>
    public string? Result { get; init; }

    /// <summary>What it returned, for whoever takes it up in this process.</summary>
    public object? Value { get; init; }

    /// <summary>What it threw: class and message.</summary>
    public string? Exception { get; init; }

    /// <summary>Where it was thrown, in full.</summary>
    public string? Traceback { get; init; }

    /// <summary>Where it was thrown: function, file and line of the innermost frame of one's own code, where known.</summary>
    public string? Place { get; init; }

    /// <summary>Why it was cancelled, skipped or lost: <c>timeout</c>, <c>terminated</c> …</summary>
    public string? Reason { get; init; }

    /// <summary>It failed before the body began: a parameter has no value, a service cannot be made.</summary>
    public bool BeforeBody { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Runtime { get; init; }

    /// <summary>
    /// Completes when the body has let go. It has already, save for one that ignores its cancellation: that holds its slot until then.
    /// </summary>
    public Task Released { get; init; } = Task.CompletedTask;

    /// <summary>What it threw, in this process.</summary>
    internal Exception? Error { get; init; }

    /// <summary>The body returned.</summary>
    internal static RunOutcome Success(object? value, JsonSerializerOptions json)
    {
        try
        {
            return new RunOutcome { Kind = EventKind.Succeeded, Value = value, Result = Json(value, json) };
        }
        catch (Exception e)
        {
            // Converters of the user's may throw anything.
            return Failure(new InvalidOperationException($"the result, a {ValueConversion.NameOf(value!.GetType())}, cannot be written as JSON: {e.Message}", e));
        }
    }

    /// <summary>The body threw, or never began.</summary>
    internal static RunOutcome Failure(Exception error, JsonSerializerOptions? json = null) => error switch
    {
        TaskSkippedException skipped => new RunOutcome { Kind = EventKind.Skipped, Reason = skipped.Message },
        PartialCompletionException { Result: { } result } when json is not null => Failure(error) with { Result = Success(result, json).Result },
        _ => new RunOutcome
        {
            Kind = EventKind.Failed, Error = error, Exception = ErrorText.Of(error), Traceback = ErrorText.TraceOf(error), Place = ErrorText.PlaceOf(error),
            BeforeBody = error is UnpreparedException,
        },
    };

    /// <summary>It was told to end, for this reason; what it threw thereupon is kept unless that is what cancelled work throws.</summary>
    internal static RunOutcome Cancelled(string reason, Exception? error = null) => error is null or OperationCanceledException
        ? new RunOutcome { Kind = EventKind.Cancelled, Reason = reason }
        : Failure(error) with { Kind = EventKind.Cancelled, Reason = reason };

    static string? Json(object? value, JsonSerializerOptions json) => value is null ? null : JsonSerializer.Serialize(value, value.GetType(), json);
}
