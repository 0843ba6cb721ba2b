using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>Tells the host's loggers what runs do, under the category <see cref="Category"/>: from there it can be sent anywhere.</summary>
sealed partial class RunRecords(ILogger logger)
{
    /// <summary>The category.</summary>
    public const string Category = "Belfry.Task";

    readonly ILogger _logger = logger;

    /// <summary>A run began.</summary>
    public void Started(string task, string id, int attempt) => LogStarted(task, id, attempt);

    /// <summary>A run ended so.</summary>
    public void Ended(string task, string id, int attempt, RunOutcome outcome)
    {
        string action = outcome.Kind.Name();
        if (outcome.Kind is EventKind.Succeeded)
        {
            LogSucceeded(task, action, id, attempt, outcome.Runtime.TotalSeconds);
        }
        else if (outcome.Kind is EventKind.Failed or EventKind.Lost)
        {
            LogFailed(outcome.Error, task, action, id, attempt, outcome.Exception ?? outcome.Reason, outcome.Place);
        }
        else
        {
            LogEnded(outcome.Error, task, action, id, attempt, outcome.Reason);
        }
        if (!outcome.Released.IsCompleted)
        {
            LogHeld(task, id, outcome.Reason);
        }
    }

    [LoggerMessage(401, LogLevel.Information, "Task '{Task}' started, run {RunId}, attempt {Attempt}")]
    partial void LogStarted(string task, string runId, int attempt);

    [LoggerMessage(402, LogLevel.Information, "Task '{Task}' {Action}, run {RunId}, attempt {Attempt}, after {Seconds:0.###} s")]
    partial void LogSucceeded(string task, string action, string runId, int attempt, double seconds);

    [LoggerMessage(403, LogLevel.Error, "Task '{Task}' {Action}, run {RunId}, attempt {Attempt}: {Problem} ({Place})")]
    partial void LogFailed(Exception? error, string task, string action, string runId, int attempt, string? problem, string? place);

    [LoggerMessage(404, LogLevel.Information, "Task '{Task}' {Action}, run {RunId}, attempt {Attempt}: {Reason}")]
    partial void LogEnded(Exception? error, string task, string action, string runId, int attempt, string? reason);

    [LoggerMessage(405, LogLevel.Warning, "Task '{Task}', run {RunId}, does not end though it was told to ({Reason}); it holds its slot until it does")]
    partial void LogHeld(string task, string runId, string? reason);
}
