namespace Belfry;

/// <summary>The own runs as the rules about the next start see them.</summary>
/// <param name="LastStart">The last start of any attempt.</param>
/// <param name="LastRun">The last start of a run: of the first of its attempts.</param>
/// <param name="Last">The attempt that started last.</param>
/// <param name="LostStart">The last start of a lost attempt that was left out, if nothing has started since.</param>
/// <param name="IsRunning">Something is running.</param>
/// <param name="LastSuccess">The last success.</param>
/// <param name="LastFailure">The last failure.</param>
/// <param name="LastEnd">The last end of any kind, save a retried attempt's.</param>
sealed record Standing(
    Instant? LastStart, Instant? LastRun, PastRun? Last, Instant? LostStart, bool IsRunning, Instant? LastSuccess, Instant? LastFailure, Instant? LastEnd)
{
    /// <summary>Judges runs given by start; with <paramref name="leaveOut"/> the first lost attempt of each id is as if it had never started.</summary>
    public static Standing Of(PastRun[] runs, bool leaveOut)
    {
        var lost = new HashSet<(string, string)>();
        var first = new Dictionary<(string, string), Instant>();
        var standing = new List<PastRun>(runs.Length);
        Instant? lostStart = null;
        foreach (PastRun run in runs)
        {
            if (leaveOut && run is { State: RunState.Lost, Called: false } && lost.Add(run.Key))
            {
                lostStart = run.Started ?? lostStart;
                continue;
            }
            standing.Add(run);
            if (run.Started is { } start)
            {
                first.TryAdd(run.Key, start);
            }
        }
        PastRun? last = null;
        foreach (PastRun run in standing)
        {
            last = run.Started is not null ? run : last;
        }
        return new Standing(
            last?.Started,
            first.Count == 0 ? null : first.Values.Max(),
            last,
            lostStart >= last?.Started || last is null ? lostStart : null,
            standing.Exists(run => run.IsOpen),
            standing.Max(run => run.At(RunAction.Succeeded)),
            standing.Max(run => run.At(RunAction.Failed)),
            standing.Max(run => run.At(RunAction.Ended)));
    }
}
