using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>What became of runs by the logs of their workers: what Belfry's log says is held against it.</summary>
sealed partial class WorkerTruth
{
    readonly Dictionary<string, Dictionary<CeleryWorker, Seen>> _runs = [];
    readonly HashSet<CeleryWorker> _gone;
    readonly bool _lateAcks, _givesBack;

    /// <summary>Reads the logs.</summary>
    /// <param name="workers">All workers there were.</param>
    /// <param name="gone">Those of them that have ended.</param>
    /// <param name="lateAcks">They acknowledge each run at its end, as a solo pool does.</param>
    /// <param name="givesBack">What a worker held when it went comes back to its queue.</param>
    public WorkerTruth(IEnumerable<CeleryWorker> workers, IEnumerable<CeleryWorker> gone, bool lateAcks, bool givesBack)
    {
        (_gone, _lateAcks, _givesBack) = ([.. gone], lateAcks, givesBack);
        foreach (CeleryWorker worker in workers)
        {
            foreach (Match line in Line().Matches(worker.Log))
            {
                Note(worker, line.Groups["id"].Value, line.Groups["what"].Value);
            }
        }
    }

    /// <summary>Runs that some worker knows.</summary>
    public IReadOnlyCollection<string> Runs => _runs.Keys;

    /// <summary>What became of a run.</summary>
    public TrueRun Of(string id, string task)
    {
        Dictionary<CeleryWorker, Seen> seen = _runs.GetValueOrDefault(id) ?? [];
        int attempts = 1 + seen.Values.Sum(one => one.Retries);
        KeyValuePair<CeleryWorker, Seen>[] living = [.. seen.Where(one => !_gone.Contains(one.Key))], dead = [.. seen.Where(one => _gone.Contains(one.Key))];
        bool isLate = _lateAcks || task == "lab.late", mayExpire = task.EndsWith('!') && !seen.Values.Any(one => one.Begun > 0);
        bool isDiscarded = seen.Values.Any(one => one.Outcome == "Discarding");
        // Debian's Celery says of what raises Ignore or Reject that it was raised unexpectedly; it leaves no event and no record all the same.
        string state = task is "lab.ignored" or "lab.rejected" && seen.Values.Any(one => one.Outcome is not null) ? TrueRun.Untold
            : seen.Values.Any(one => one.Outcome == "succeeded") ? "Completed"
            : seen.Values.Any(one => one.Outcome is "raised") ? "Failed"
            : isDiscarded || (mayExpire && (living.Length > 0 || _givesBack)) ? "Cancelled"
            : living.Any(one => one.Value.Begun > one.Value.Ended) ? "Running"
            : living.Any(one => one.Value.Received > one.Value.Begun) ? "Queued"
            : seen.Values.Any(one => one.Outcome is not null) ? TrueRun.Untold
            : dead.Any(one => one.Value.Begun > one.Value.Ended) && !isLate ? "Lost"
            : "Pending";
        // A worker throws away what expired only when its turn comes; RabbitMQ does so without a word.
        bool isFinal = state is not ("Running" or "Queued" or "Pending") && (state != "Cancelled" || isDiscarded);
        return new TrueRun(state, attempts, isFinal);
    }

    void Note(CeleryWorker worker, string id, string what)
    {
        if (!_runs.TryGetValue(id, out Dictionary<CeleryWorker, Seen>? workers))
        {
            _runs[id] = workers = [];
        }
        Seen seen = workers.GetValueOrDefault(worker);
        workers[worker] = what switch
        {
            "received" => seen with { Received = seen.Received + 1 },
            "began" => seen with { Begun = seen.Begun + 1 },
            "retry" => seen with { Ended = seen.Ended + 1, Retries = seen.Retries + 1 },
            _ => seen with { Ended = seen.Ended + 1, Outcome = seen.Outcome is "succeeded" ? seen.Outcome : what },
        };
    }

    // "Task lab.add[ID] received", "… succeeded in 0.1s: 3", "… raised unexpected: …", "… retry: …", "… ignored"; "began lab.add[ID]" is app.py's.
    [GeneratedRegex(@"(?:Task [\w.]+\[(?<id>[0-9a-f-]{36})\] (?<what>\w+))|(?:(?<what>began|Discarding)(?: revoked task:)? [\w.]+\[(?<id>[0-9a-f-]{36})\])", RegexOptions.NonBacktracking)]
    private static partial Regex Line();

    readonly record struct Seen(int Received, int Begun, int Ended, int Retries, string? Outcome);
}

/// <summary>What became of a run.</summary>
/// <param name="State">Its state as Belfry should show it.</param>
/// <param name="Attempts">How many attempts it took.</param>
/// <param name="IsFinal">Nothing will change it any more.</param>
sealed record TrueRun(string State, int Attempts, bool IsFinal)
{
    /// <summary>It ended, and nothing tells of it: neither an event nor a record.</summary>
    public const string Untold = "Untold";
}
