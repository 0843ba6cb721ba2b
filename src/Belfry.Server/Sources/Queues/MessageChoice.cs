using Belfry.Celery.Messages;

namespace Belfry.Server.Sources.Queues;

/// <summary>Which messages are meant: those of an application, of a task, the one of an id; or all.</summary>
/// <param name="App">The application, under the name that it is shown by.</param>
/// <param name="Task">The task's full name.</param>
/// <param name="Id">The run's id.</param>
public sealed record MessageChoice(string? App, string? Task, string? Id)
{
    /// <summary>All of them.</summary>
    public static MessageChoice All { get; } = new(null, null, null);

    /// <summary>Nothing is chosen.</summary>
    public bool IsAll => App is null && Task is null && Id is null;

    /// <summary>Whether a message is meant.</summary>
    /// <param name="message">The message.</param>
    /// <param name="apps">Applications that are shown under another name.</param>
    internal bool Means(TaskMessage message, IReadOnlyDictionary<string, string> apps) =>
        (Id is null || message.Id == Id) && (Task is null || message.Task == Task) && (App is null || AppOf(message.Task, apps) == App);

    /// <summary>Whether a message of a list is meant.</summary>
    public bool Means(WaitingMessage message) => (Id is null || message.Id == Id) && (Task is null || message.Task == Task) && (App is null || message.App == App);

    /// <summary>The application of a task, as it is shown.</summary>
    internal static string? AppOf(string? task, IReadOnlyDictionary<string, string> apps) => AppNames.Of(task) is { } app ? apps.GetValueOrDefault(app, app) : null;

    /// <summary>The choice in words.</summary>
    public override string ToString() => Id is not null ? $"id {Id}" : Task is not null ? $"task {Task}" : App is not null ? $"application {App}" : "all";
}
