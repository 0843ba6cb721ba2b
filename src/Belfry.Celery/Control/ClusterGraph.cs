using System.Text;

namespace Belfry.Celery.Control;

/// <summary>Workers, queues and broker of a cluster as a graph in the language of Graphviz.</summary>
public static class ClusterGraph
{
    /// <summary>Draws it: the broker, its queues, and an arrow from each queue to each worker that takes from it.</summary>
    /// <param name="source">The cluster's name.</param>
    /// <param name="broker">Where its broker is; null when nobody told.</param>
    /// <param name="workers">The workers.</param>
    public static string Draw(string source, string? broker, IEnumerable<DrawnWorker> workers)
    {
        DrawnWorker[] all = [.. workers.OrderBy(worker => worker.Name, StringComparer.Ordinal)];
        var dot = new StringBuilder().Append("digraph ").Append(Quoted(source)).Append(" {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
        Node(dot, "broker", broker ?? source, "cylinder");
        foreach (string queue in all.SelectMany(worker => worker.Queues).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            Node(dot, $"queue {queue}", queue, "box");
            Arrow(dot, "broker", $"queue {queue}");
        }
        foreach (DrawnWorker worker in all)
        {
            Node(dot, $"worker {worker.Name}", worker.Pool is { Length: > 0 } pool ? $"{worker.Name}\n{pool}" : worker.Name, "ellipse", worker.Answers ? "" : ", style=dashed");
            foreach (string queue in worker.Queues.Distinct(StringComparer.Ordinal))
            {
                Arrow(dot, $"queue {queue}", $"worker {worker.Name}");
            }
        }
        return dot.Append("}\n").ToString();
    }

    static void Node(StringBuilder dot, string id, string label, string shape, string more = "") =>
        dot.Append("  ").Append(Quoted(id)).Append(" [label=").Append(Quoted(label)).Append(", shape=").Append(shape).Append(more).Append("];\n");

    static void Arrow(StringBuilder dot, string from, string to) => dot.Append("  ").Append(Quoted(from)).Append(" -> ").Append(Quoted(to)).Append(";\n");

    static string Quoted(string text) => $"\"{text.Replace(@"\", @"\\").Replace("\"", "\\\"").Replace("\r", "").Replace("\n", @"\n")}\"";
}

/// <summary>A worker of the graph.</summary>
/// <param name="Name">Its node name.</param>
/// <param name="Pool">Its pool in words.</param>
/// <param name="Queues">Queues that it takes from.</param>
/// <param name="Answers">It answered; else it is drawn dashed.</param>
public sealed record DrawnWorker(string Name, string? Pool, IReadOnlyList<string> Queues, bool Answers);
