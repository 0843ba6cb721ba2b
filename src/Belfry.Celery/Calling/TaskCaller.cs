using System.Text.Json;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.RabbitMq;
using Belfry.Celery.Results;
using RabbitMQ.Client;

namespace Belfry.Celery.Calling;

/// <summary>Calls tasks of a cluster.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="queues">Its queues.</param>
/// <param name="control">Speaks to its workers.</param>
/// <param name="results">Where its results are; null when they are not wanted.</param>
public sealed class TaskCaller(CeleryCluster cluster, IBrokerQueues queues, RemoteControl control, IResultBackend? results = null)
{
    /// <summary>Asks the workers whether they know a task.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="known">Workers that live, as far as is known; empty when that is not known.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused.</exception>
    public async Task<Registration> AskAsync(string task, IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        ControlAnswer answer = await control.AskAsync("registered", null, [], RemoteControl.UsualTimeout, known, cancel);
        // A name may come with settings behind it: "lab.add [rate_limit=10/m]".
        HashSet<string> names =
        [
            .. from reply in answer.Replies.Values
               where reply.ValueKind == JsonValueKind.Array
               from name in reply.EnumerateArray()
               where name.ValueKind == JsonValueKind.String
               select name.GetString()!.Split(" [", 2)[0],
        ];
        return new Registration(task, answer.Replies.Count, names);
    }

    /// <summary>Sends a call; it is the broker's when this returns.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    /// <exception cref="BrokerException">The broker refused, or has no such queue.</exception>
    public async Task CallAsync(TaskCall call, CancellationToken cancel)
    {
        string? replyTo = call.ReplyTo ?? (results is null ? null : await results.ReplyToAsync(cancel));
        RawMessage message = (call with { ReplyTo = replyTo }).ToMessage();
        try
        {
            await (call.Exchange is { } exchange ? queues.PublishAsync(exchange, call.RoutingKey ?? "", message, cancel) : queues.PutAsync(call.Queue ?? cluster.DefaultQueue, [message], cancel));
        }
        catch (RabbitException refused) when (refused.Code == Constants.NoRoute)
        {
            throw new RabbitException($"{refused.Message}: nothing was called", Constants.NoRoute, refused);
        }
    }
}

/// <summary>What workers say about a task's name.</summary>
/// <param name="Task">The name.</param>
/// <param name="Workers">How many answered.</param>
/// <param name="Names">The tasks that they know.</param>
public sealed record Registration(string Task, int Workers, IReadOnlySet<string> Names)
{
    const int MostNames = 3;

    /// <summary>A worker knows it.</summary>
    public bool IsKnown => Names.Contains(Task);

    /// <summary>Why it should not be called, in a sentence; null when it may be.</summary>
    public string? Refusal => IsKnown ? null
        : Workers == 0 ? $"No worker answered, so nobody can say whether '{Task}' is a task."
        : $"No worker knows a task '{Task}' ({Workers} answered).{Similar}";

    string Similar
    {
        get
        {
            string last = Task[(Task.LastIndexOf('.') + 1)..];
            string[] near = [.. Names.Where(name => name.Contains(Task, StringComparison.OrdinalIgnoreCase) || name[(name.LastIndexOf('.') + 1)..].Equals(last, StringComparison.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal).Take(MostNames)];
            return near.Length == 0 ? "" : $" They know {string.Join(", ", near)}.";
        }
    }
}
