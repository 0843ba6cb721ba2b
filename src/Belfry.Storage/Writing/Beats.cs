namespace Belfry.Storage.Writing;

/// <summary>What workers tell of themselves, put together.</summary>
static class Beats
{
    /// <summary>A heartbeat that was asked for names less than an ordinary one: what was known stays.</summary>
    public static WorkerBeat Over(this WorkerBeat now, WorkerBeat known) => new(
        now.Pid ?? known.Pid, now.Frequency ?? known.Frequency, now.Active ?? known.Active, now.Processed ?? known.Processed, now.Software ?? known.Software);
}
