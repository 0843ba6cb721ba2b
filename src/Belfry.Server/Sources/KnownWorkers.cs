using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Workers of a cluster, as far as the log knows them.</summary>
/// <param name="Live">Those that beat: an answer of each is waited for.</param>
/// <param name="Silent">Those that do not, but may be busy: nobody waits for them.</param>
public sealed record KnownWorkers(IReadOnlyList<string> Live, IReadOnlyList<string> Silent)
{
    // A solo worker says nothing while its task runs, which may take hours; one that was away for longer is not looked for, nor are more than so many.
    static readonly TimeSpan Looked = TimeSpan.FromHours(12);
    const int MostLooked = 50;

    /// <summary>None is known.</summary>
    public static KnownWorkers None { get; } = new([], []);

    /// <summary>Those of a source.</summary>
    public static KnownWorkers Of(IReadOnlyList<WorkerStatus> workers, string source, Instant now) => new(
        [.. workers.Where(worker => worker.Source == source && worker.Online).Select(worker => worker.Name)],
        [.. workers.Where(worker => worker.Source == source && !worker.Online && worker.LastHeard > now - Looked).OrderByDescending(worker => worker.LastHeard.Micros).Take(MostLooked).Select(worker => worker.Name)]);
}
