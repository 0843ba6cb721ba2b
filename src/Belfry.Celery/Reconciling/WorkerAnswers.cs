using System.Text.Json;
using Belfry.Celery.Control;

namespace Belfry.Celery.Reconciling;

/// <summary>What workers said of runs.</summary>
public sealed class WorkerAnswers
{
    readonly Dictionary<string, Dictionary<string, WorkerEvidence>> _runs = new(StringComparer.Ordinal);
    readonly HashSet<string> _answered = new(StringComparer.Ordinal), _silent = new(StringComparer.Ordinal);

    /// <summary>Runs that some worker has.</summary>
    public IReadOnlyCollection<string> Runs => _runs.Keys;

    /// <summary>Workers that answered every question.</summary>
    public IEnumerable<string> Answered => _answered.Except(_silent);

    /// <summary>Workers that were waited for and did not answer a question.</summary>
    public IReadOnlyCollection<string> Silent => _silent;

    /// <summary>How many heard the questions; null where the broker does not tell.</summary>
    public long? Heard { get; private set; }

    /// <summary>Workers that neither beat nor answered and are connected all the same, where the broker tells of each.</summary>
    public IReadOnlySet<string> Connected { get; internal set; } = new HashSet<string>();

    /// <summary>What those who have a run say of it.</summary>
    public IReadOnlyDictionary<string, WorkerEvidence> Of(string run) => _runs.GetValueOrDefault(run) ?? [];

    /// <summary>Adds the answer to a question for runs: <c>query_task</c>, <c>active</c>, <c>reserved</c> or <c>scheduled</c>.</summary>
    internal void Add(ControlAnswer answer, WorkerSays says, Func<string, bool> wanted)
    {
        Heard = answer.Heard ?? Heard;
        _silent.UnionWith(answer.Silent);
        foreach ((string worker, JsonElement reply) in answer.Replies)
        {
            _answered.Add(worker);
            foreach ((WorkerSays how, JsonElement request) in Requests(reply, says))
            {
                if (request.Member("id").Text() is { } id && wanted(id))
                {
                    Add(id, worker, how, request);
                }
            }
        }
    }

    /// <summary><c>{"id": ["active", {…}]}</c>, <c>[{…}]</c> and <c>[{"eta": …, "request": {…}}]</c>.</summary>
    static IEnumerable<(WorkerSays Says, JsonElement Request)> Requests(JsonElement reply, WorkerSays says)
    {
        if (reply.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty run in reply.EnumerateObject())
            {
                if (run.Value.ValueKind == JsonValueKind.Array && run.Value.GetArrayLength() == 2)
                {
                    yield return (run.Value[0].Text() == "active" ? WorkerSays.Active : WorkerSays.Reserved, run.Value[1]);
                }
            }
        }
        else if (reply.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement run in reply.EnumerateArray())
            {
                yield return (says, says == WorkerSays.Scheduled ? run.Member("request") : run);
            }
        }
    }

    void Add(string id, string worker, WorkerSays says, JsonElement request)
    {
        if (!_runs.TryGetValue(id, out Dictionary<string, WorkerEvidence>? workers))
        {
            _runs[id] = workers = new(StringComparer.Ordinal);
        }
        // It may be in two lists: what runs does not wait.
        if (!workers.TryGetValue(worker, out WorkerEvidence? known) || known.Says != WorkerSays.Active)
        {
            workers[worker] = new WorkerEvidence(says) { Start = request.Member("time_start").Time(), Task = request.Member("name").Text() };
        }
    }
}
