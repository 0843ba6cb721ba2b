namespace Belfry.Celery.Reconciling;

/// <summary>Which workers hear what they are asked. One that did not answer three times while the broker did is deaf: asked now and then, not waited for.</summary>
public sealed class Hearing
{
    const int DeafAfter = 3;

    static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    readonly Dictionary<string, (int Silences, Instant Last)> _silent = new(StringComparer.Ordinal); // bounded by WorkerNames.Most

    /// <summary>It is taken for deaf.</summary>
    public bool IsDeaf(string worker) => _silent.TryGetValue(worker, out (int Silences, Instant Last) one) && one.Silences >= DeafAfter;

    /// <summary>Those of them who are waited for now: who hears, and who was found deaf a minute ago.</summary>
    public IReadOnlyCollection<string> Awaited(IEnumerable<string> beating, Instant now) =>
        [.. beating.Where(worker => !IsDeaf(worker) || now - _silent[worker].Last >= Again)];

    /// <summary>Notes who answered and who did not.</summary>
    public void Note(IEnumerable<string> answered, IEnumerable<string> silent, Instant now)
    {
        foreach (string worker in answered)
        {
            _silent.Remove(worker);
        }
        foreach (string worker in silent)
        {
            if (!_silent.ContainsKey(worker))
            {
                WorkerNames.MakeRoom(_silent, one => one.Last);
            }
            (int silences, Instant last) = _silent.GetValueOrDefault(worker);
            // Who does not hear at all, as one that connects anew, is silent at many questions within a moment.
            _silent[worker] = now - last < ClusterEvidence.ForWorkers ? (silences, last) : (silences + 1, now);
        }
    }
}
