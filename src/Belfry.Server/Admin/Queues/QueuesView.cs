using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Sources.Queues;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Admin;

/// <summary>What an address of the queue's pages says.</summary>
/// <param name="Source">The cluster.</param>
/// <param name="Name">The queue.</param>
/// <param name="Choice">Which messages.</param>
/// <param name="Cursor">The first one that is shown, among those found.</param>
/// <param name="Span">The span that is drawn.</param>
public sealed record QueueQuery(string Source, string Name, MessageChoice Choice, int Cursor, BacklogSpan Span)
{
    /// <summary>Reads an address, or a form.</summary>
    public static QueueQuery Read(Func<string, string?> field)
    {
        string? Text(string name) => field(name)?.Trim() is { Length: > 0 } text ? text : null;
        return new QueueQuery(
            Text("source") ?? "", field("name") ?? "", new MessageChoice(Text("app"), Text("task"), Text("id")), int.TryParse(Text("cursor"), out int cursor) && cursor > 0 ? cursor : 0, BacklogSpan.Of(Text("span")));
    }

    /// <summary>The address of a page of this queue.</summary>
    public string Url(PageFrame frame, string page) => frame.Url($"/queues/{page}{Query()}");

    /// <summary>What it says, as a query.</summary>
    public QueryString Query()
    {
        QueryString query = QueryString.Create("source", Source).Add("name", Name);
        foreach ((string field, string? value) in Pairs())
        {
            query = value is null ? query : query.Add(field, value);
        }
        return query;
    }

    /// <summary>All but cluster and queue; null where it is as usual.</summary>
    public IEnumerable<(string Field, string? Value)> Pairs() =>
        [("app", Choice.App), ("task", Choice.Task), ("id", Choice.Id), ("cursor", Cursor == 0 ? null : $"{Cursor}"), ("span", Span == BacklogSpan.All[0] ? null : Span.Key)];
}

/// <summary>What the list of queues shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Clusters">The clusters with their queues, each named.</param>
/// <param name="Span">The span that is drawn.</param>
/// <param name="Shapes">What waited, by cluster and queue.</param>
/// <param name="Said">What was done.</param>
public sealed record QueuesView(PageFrame Frame, IReadOnlyList<ClusterQueues> Clusters, BacklogSpan Span, IReadOnlyDictionary<(string Source, string Queue), BacklogShape> Shapes, string? Said)
{
    /// <summary>All that waits.</summary>
    public long Waiting => Clusters.Sum(cluster => cluster.Queues.Sum(queue => queue.Standing.Length ?? 0));

    /// <summary>The address of a queue's page.</summary>
    public string UrlOf(Cluster cluster, QueueRow queue) => new QueueQuery(cluster.Name, queue.Standing.Name, MessageChoice.All, 0, Span).Url(Frame, "one");
}

/// <summary>What a queue's page shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Query">What was asked.</param>
/// <param name="Cluster">The cluster.</param>
/// <param name="Row">How it stands; null when the broker does not answer.</param>
/// <param name="Contents">What waits in it; null when it was not looked into.</param>
/// <param name="Held">Messages of this queue that workers hold.</param>
/// <param name="Points">What waited, in stretches of the span.</param>
/// <param name="Said">What was done.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record QueueView(
    PageFrame Frame, QueueQuery Query, Cluster Cluster, QueueRow? Row, QueueContents? Contents, HeldMessages? Held, IReadOnlyList<SamplePoint> Points, string? Said, string? Problem)
{
    /// <summary>So many messages are on a page.</summary>
    public const int Rows = 100;

    /// <summary>Those of the messages that were asked for.</summary>
    public IReadOnlyList<WaitingMessage> Found { get; } = Contents is null ? [] : [.. Contents.Messages.Where(message => Query.Choice.Means(message))];

    /// <summary>How many of them cannot be read whole, and why; null when all can.</summary>
    public string? Unread => Counts(message => message.Problem).ToArray() is { Length: > 0 } reasons
        ? $"{Format.Count(reasons.Sum(reason => reason.Count))} of these cannot be read whole: {string.Join(", ", reasons.Select(reason => $"{reason.Name} ({Format.Count(reason.Count)})"))}."
        : null;

    /// <summary>They may take messages out.</summary>
    public bool MayPurge => Frame.May(Right.Purge);

    /// <summary>They may move messages.</summary>
    public bool MayMove => Frame.May(Right.Manage);

    /// <summary>The address of another page of messages; null when there is none.</summary>
    public string? UrlAt(int cursor) => cursor < 0 && Query.Cursor == 0 ? null : cursor >= Found.Count ? null : (Query with { Cursor = Math.Max(0, cursor) }).Url(Frame, "one");

    /// <summary>How many are of each task, or application, most first.</summary>
    public IEnumerable<(string Name, int Count)> Counts(Func<WaitingMessage, string?> of) =>
        Found.GroupBy(of).Where(group => group.Key is not null).Select(group => (group.Key!, group.Count())).OrderByDescending(group => group.Item2).ThenBy(group => group.Item1, StringComparer.Ordinal);
}

/// <summary>Messages of a queue that workers hold.</summary>
/// <param name="All">How many.</param>
/// <param name="Later">Of these, how many wait for their time.</param>
/// <param name="More">There are more than were counted.</param>
public sealed record HeldMessages(int All, int Later, bool More);

/// <summary>What is asked before messages go.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Query">Which messages of which queue.</param>
/// <param name="Tasks">How many of each task, most first.</param>
/// <param name="Count">How many in all.</param>
/// <param name="Warning">What happens instead, where the broker cannot take out single ones.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record PurgeView(PageFrame Frame, QueueQuery Query, IReadOnlyList<(string Name, int Count)> Tasks, long Count, string? Warning, string? Problem);

/// <summary>Where messages are to go.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Query">The queue that has them.</param>
/// <param name="Count">How many wait; null when the broker does not tell.</param>
/// <param name="Clusters">The clusters that could get them.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record MoveView(PageFrame Frame, QueueQuery Query, long? Count, IReadOnlyList<Cluster> Clusters, string? Problem);
