using Belfry.Celery.Reconciling;

namespace Belfry.Server.Sources;

/// <summary>What the workers of a source are to a run that was asked for: who answered, who is silent and may have it, who is gone.</summary>
/// <param name="workers">What was heard of each worker's processes, the newest last, and how each was judged.</param>
/// <param name="unbrokenSince">Since when nothing was missed.</param>
/// <param name="now">Now.</param>
public sealed class WorkerStandings(IReadOnlyList<IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)>> workers, Instant? unbrokenSince, Instant now)
{
    /// <summary>Workers that beat.</summary>
    public IReadOnlyList<string> Beating { get; } = [.. workers.Where(all => all[^1].Verdict == WorkerVerdict.Alive).Select(all => all[^1].Signs.Worker)];

    /// <summary>Workers that do not beat, and have not said that they stop.</summary>
    public IReadOnlyList<string> Silent { get; } =
        [.. workers.Where(all => all[^1] is { Verdict: not WorkerVerdict.Alive, Signs.LeftHeard: null }).Select(all => all[^1].Signs.Worker)];

    /// <summary>What each worker is to a run.</summary>
    /// <param name="run">The run, as it is known; null for an unknown one.</param>
    /// <param name="id">Its id.</param>
    /// <param name="answers">What workers said.</param>
    /// <param name="hearing">Who is deaf.</param>
    public IReadOnlyDictionary<string, WorkerEvidence> Of(TaskRun? run, string id, WorkerAnswers answers, Hearing hearing)
    {
        HashSet<string> answered = [.. answers.Answered];
        // Redis: more hear the question than beat or answer, so somebody is there who says nothing. RabbitMQ tells of each one.
        bool somebodyIsBusy = answers.Heard is { } heard && heard > answered.Union(Beating).Count();
        var all = new Dictionary<string, WorkerEvidence>(StringComparer.Ordinal);
        foreach (IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)> processes in workers)
        {
            string worker = processes[^1].Signs.Worker;
            bool isOwn = string.Equals(worker, run?.Worker, StringComparison.Ordinal);
            all[worker] = isOwn && IsOfEarlier(processes, run!) ? Earlier(processes, run!) : Of(processes[^1], answered.Contains(worker), somebodyIsBusy || answers.Connected.Contains(worker), hearing, run);
        }
        foreach ((string worker, WorkerEvidence says) in answers.Of(id))
        {
            all[worker] = says with { Last = all.GetValueOrDefault(worker)?.Last, Online = all.GetValueOrDefault(worker)?.Online };
        }
        return all;
    }

    /// <summary>For how long the worker of a run was not heard.</summary>
    public TimeSpan Unheard(TaskRun? run)
    {
        if (unbrokenSince is not { } unbroken)
        {
            return TimeSpan.Zero;
        }
        IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)>? own = workers.FirstOrDefault(all => string.Equals(all[^1].Signs.Worker, run?.Worker, StringComparison.Ordinal));
        return own is null ? now - unbroken : now - Instant.Max(unbroken, (IsOfEarlier(own, run!) ? ProcessOf(own, run!) : own[^1].Signs).LastHeard);
    }

    static WorkerEvidence Of((WorkerSigns Signs, WorkerVerdict Verdict) process, bool answered, bool somebodyIsBusy, Hearing hearing, TaskRun? run)
    {
        (WorkerSigns signs, WorkerVerdict verdict) = process;
        WorkerSays says = answered ? WorkerSays.Unknown
            : verdict == WorkerVerdict.Alive ? hearing.IsDeaf(signs.Worker) ? WorkerSays.Deaf : WorkerSays.Silent
            // It said that it stops: what runs there may end, what does not was given back.
            : signs.LeftHeard is not null ? verdict < WorkerVerdict.Gone && run?.State == RunState.Running ? WorkerSays.Busy : WorkerSays.Gone
            : somebodyIsBusy ? WorkerSays.Busy
            : WorkerSays.Gone;
        return new WorkerEvidence(says) { Idle = verdict == WorkerVerdict.Alive && signs.Active == 0, Last = signs.LastSent, Online = signs.CameSent };
    }

    /// <summary>The run was begun by a process that another has followed under the same name.</summary>
    static bool IsOfEarlier(IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)> processes, TaskRun run) =>
        processes.Count > 1 && (run.Started ?? run.Received ?? run.First) < processes[^1].Signs.FirstSent;

    static WorkerSigns ProcessOf(IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)> processes, TaskRun run) =>
        processes.LastOrDefault(process => process.Signs.FirstSent <= (run.Started ?? run.Received ?? run.First), processes[0]).Signs;

    static WorkerEvidence Earlier(IReadOnlyList<(WorkerSigns Signs, WorkerVerdict Verdict)> processes, TaskRun run)
    {
        WorkerSigns signs = ProcessOf(processes, run);
        return new WorkerEvidence(WorkerSays.Gone) { Last = signs.LastSent, Online = processes[^1].Signs.FirstSent };
    }
}
