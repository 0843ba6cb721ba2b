using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Belfry.Celery.Reconciling;

namespace Belfry.Server.Sources;

/// <summary>What the workers of a source are to the runs that they were asked for: who answered, who is silent and may have one, who is gone.</summary>
/// <remarks>To most runs all workers are the same. What differs for one is laid over that: ten thousand runs times a thousand workers would be work.</remarks>
public sealed class AskedWorkers
{
    readonly WorkerAnswers _answers;
    readonly Dictionary<string, WorkerEvidence> _toRunning, _toOthers;

    /// <summary>Those that stand so, have answered this, and are deaf perhaps.</summary>
    public AskedWorkers(WorkerStandings standings, WorkerAnswers answers, Hearing hearing)
    {
        HashSet<string> answered = new(answers.Answered, StringComparer.Ordinal);
        // Redis: more hear the question than beat or answer, so somebody is there who says nothing. RabbitMQ tells of each one.
        bool somebodyIsBusy = answers.Heard is { } heard && heard > answered.Union(standings.Beating).Count();
        Dictionary<string, WorkerEvidence> To(bool running) => standings.All.ToDictionary(
            one => one.Key, one => Of(one.Value, answered.Contains(one.Key), somebodyIsBusy || answers.Connected.Contains(one.Key), hearing, running), StringComparer.Ordinal);
        (Standings, _answers, _toRunning, _toOthers) = (standings, answers, To(running: true), To(running: false));
    }

    /// <summary>How they stand.</summary>
    public WorkerStandings Standings { get; }

    /// <summary>What each worker is to a run.</summary>
    /// <param name="run">The run, as it is known; null for an unknown one.</param>
    /// <param name="id">Its id.</param>
    public IReadOnlyDictionary<string, WorkerEvidence> Of(TaskRun? run, string id)
    {
        Dictionary<string, WorkerEvidence> same = run?.State == RunState.Running ? _toRunning : _toOthers, own = [];
        if (run?.Worker is { } worker && Standings.All.TryGetValue(worker, out WatchedWorker? processes) && processes.IsOfEarlier(run))
        {
            own[worker] = new WorkerEvidence(WorkerSays.Gone) { Last = processes.ProcessOf(run).LastSent, Online = processes.Newest.Signs.FirstSent };
        }
        foreach ((string holder, WorkerEvidence says) in _answers.Of(id))
        {
            WorkerEvidence? known = own.GetValueOrDefault(holder) ?? same.GetValueOrDefault(holder);
            own[holder] = says with { Last = known?.Last, Online = known?.Online };
        }
        return own.Count == 0 ? same : new Overlaid(same, own);
    }

    static WorkerEvidence Of(WatchedWorker worker, bool answered, bool somebodyIsBusy, Hearing hearing, bool running)
    {
        (WorkerSigns signs, WorkerVerdict verdict) = worker.Newest;
        WorkerSays says = answered ? WorkerSays.Unknown
            : verdict == WorkerVerdict.Alive ? hearing.IsDeaf(signs.Worker) ? WorkerSays.Deaf : WorkerSays.Silent
            // It said that it stops: what runs there may end, what does not was given back.
            : signs.LeftHeard is not null ? verdict < WorkerVerdict.Gone && running ? WorkerSays.Busy : WorkerSays.Gone
            : somebodyIsBusy ? WorkerSays.Busy
            : WorkerSays.Gone;
        return new WorkerEvidence(says) { Idle = verdict == WorkerVerdict.Alive && signs.Active == 0, Last = signs.LastSent, Online = signs.CameSent };
    }

    sealed class Overlaid(Dictionary<string, WorkerEvidence> same, Dictionary<string, WorkerEvidence> own) : IReadOnlyDictionary<string, WorkerEvidence>
    {
        public WorkerEvidence this[string key] => TryGetValue(key, out WorkerEvidence? value) ? value : throw new KeyNotFoundException();

        public int Count => same.Count + own.Keys.Count(key => !same.ContainsKey(key));

        public IEnumerable<string> Keys => this.Select(one => one.Key);

        public IEnumerable<WorkerEvidence> Values => this.Select(one => one.Value);

        public bool ContainsKey(string key) => own.ContainsKey(key) || same.ContainsKey(key);

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out WorkerEvidence value) => own.TryGetValue(key, out value) || same.TryGetValue(key, out value);

        public IEnumerator<KeyValuePair<string, WorkerEvidence>> GetEnumerator() => own.Concat(same.Where(one => !own.ContainsKey(one.Key))).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
