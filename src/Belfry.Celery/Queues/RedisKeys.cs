using System.Text.RegularExpressions;

namespace Belfry.Celery.Queues;

/// <summary>Where kombu keeps queues on Redis.</summary>
sealed class RedisKeys(CeleryCluster cluster)
{
    const string Bindings = "_kombu.binding.";

    /// <summary>The steps of priorities, most urgent first.</summary>
    public IReadOnlyList<int> Steps => cluster.PrioritySteps;

    /// <summary>The hash of messages that workers hold, by delivery tag.</summary>
    public string Unacked => cluster.KeyPrefix + cluster.UnackedKey;

    /// <summary>The sorted set that tells since when.</summary>
    public string UnackedIndex => cluster.KeyPrefix + cluster.UnackedIndexKey;

    /// <summary>All keys of bindings begin so.</summary>
    public string BindingsPrefix => cluster.KeyPrefix + Bindings;

    /// <summary>The list of a queue and a step.</summary>
    public string List(string queue, int step) => cluster.KeyPrefix + queue + (step == 0 ? "" : $"{cluster.Separator}{step}");

    /// <summary>The lists of a queue, most urgent first.</summary>
    public IEnumerable<string> Lists(string queue) => Steps.Select(step => List(queue, step));

    /// <summary>The step that a message of this priority goes to: the largest that is not above it.</summary>
    public int StepOf(int priority) => Steps.Where(step => step <= priority).DefaultIfEmpty(Steps[0]).Max();

    /// <summary>The queue that a list belongs to; null when it is none of tasks.</summary>
    public string? QueueOf(string key)
    {
        if (!key.StartsWith(cluster.KeyPrefix, StringComparison.Ordinal))
        {
            return null;
        }
        string name = key[cluster.KeyPrefix.Length..];
        int end = name.LastIndexOf(cluster.Separator, StringComparison.Ordinal);
        if (end > 0 && int.TryParse(name.AsSpan(end + cluster.Separator.Length), out _))
        {
            name = name[..end];
        }
        return name.EndsWith($".{cluster.ControlExchange}.pidbox", StringComparison.Ordinal) ? null : name; // a list of replies
    }

    /// <summary>
    /// The queues that an exchange gives a message to, by its binding's members: <c>key SEP pattern SEP queue</c>. As kombu does it: one of type topic has kombu's regular
    /// expression beside the key, one of type direct has none; a fanout is no set of lists.
    /// </summary>
    public IEnumerable<string> QueuesFor(string routingKey, IEnumerable<string> members) =>
        members.Select(member => member.Split(cluster.Separator)).Where(parts => parts is [var key, var pattern, { Length: > 0 }] && (pattern.Length == 0 ? key == routingKey : Matches(pattern, routingKey)))
            .Select(parts => parts[2]).Distinct();

    /// <summary>The queues of a binding's members; those of control and events are no queues of tasks.</summary>
    public IEnumerable<string> QueuesOf(string key, IEnumerable<string> members)
    {
        string exchange = key[BindingsPrefix.Length..];
        return exchange == cluster.EventExchange || exchange.EndsWith($"{cluster.ControlExchange}.pidbox", StringComparison.Ordinal)
            ? []
            : members.Select(member => member.Split(cluster.Separator)).Where(parts => parts is [_, _, { Length: > 0 }]).Select(parts => parts[2]);
    }

    // Anybody may have written it: one that is none matches nothing, and none can take long.
    static bool Matches(string pattern, string routingKey)
    {
        try
        {
            return Regex.IsMatch(routingKey, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception none) when (none is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
