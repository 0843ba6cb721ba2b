using Microsoft.Extensions.Logging;

namespace Belfry.Storage.Writing;

/// <summary>
/// Writes groups on the writing thread, each until it is written: while the store cannot be written the group waits; what cannot be stored for
/// its own sake, or lies in a damaged part of the file, fails alone.
/// </summary>
sealed partial class GroupCommits(
    ILogWriter writer, WorkLane lane, RunFeed feed, StoreUrl url, Action<string, string, long> refuse, TimeProvider clock, ILogger logger, CancellationToken stopping)
{
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(5);

    string? _damage; // found since the start; it does not go away by itself

    /// <summary>Why the store cannot be written at present; null when it can. What is acknowledged is told here before.</summary>
    public string? Problem { get; private set; }

    /// <summary>Commits a group and acknowledges it; what fails alone is told to whoever appended it.</summary>
    public void Write(List<Append> group, WorkOrders work, SideNotes notes)
    {
        TimeSpan pause = FirstPause;
        while (true)
        {
            try
            {
                CommitAround(group, work, notes);
                return;
            }
            catch (StoreUnavailableException refused)
            {
                Problem = refused.Message;
                LogCannotWrite(refused, group.Sum(append => append.Events.Count), Problem);
                if (stopping.WaitHandle.WaitOne(pause))
                {
                    Fail(group, work, new StoreException($"{url} cannot be written: {Problem}", refused));
                    return;
                }
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            }
            catch (Exception unforeseen)
            {
                LogUnforeseen(unforeseen, group.Count);
                WriteApart(group, work, notes, unforeseen);
                return;
            }
        }
    }

    void WriteApart(List<Append> group, WorkOrders work, SideNotes notes, Exception reason)
    {
        bool isMore = !work.IsEmpty || !notes.IsEmpty;
        if (group.Count == 0 || (group.Count == 1 && !isMore))
        {
            group.ForEach(append => refuse(append.Events[0].Source, $"events that could not be stored: {reason.GetType().Name}", append.Events.Count));
            Fail(group, work, reason);
            return;
        }
        if (isMore)
        {
            Write([], work, notes);
        }
        group.ForEach(append => Write([append], new WorkOrders(), new SideNotes()));
    }

    void Fail(List<Append> group, WorkOrders work, Exception reason)
    {
        group.ForEach(append => append.Done.TrySetException(reason));
        lane.Fail(work, reason);
    }

    /// <summary>Where the file is damaged, what belongs elsewhere is stored all the same; the rest is refused, and counted.</summary>
    void CommitAround(List<Append> group, WorkOrders work, SideNotes notes)
    {
        try
        {
            Commit(group, work, notes);
        }
        catch (StoreDamagedException damaged)
        {
            Problem = _damage = damaged.Message;
            LogDamaged(damaged, damaged.Message);
            CommitNothing(notes);
            lane.Fail(work, new StoreException($"{url} cannot be written: {damaged.Message}", damaged));
            group.ForEach(CommitByRuns);
        }
    }

    /// <summary>When not even this can be written, the damage is everywhere, and the events wait.</summary>
    void CommitNothing(SideNotes notes)
    {
        try
        {
            Commit([], notes);
        }
        catch (StoreDamagedException everywhere)
        {
            throw new StoreUnavailableException(everywhere.Message, everywhere);
        }
    }

    void CommitByRuns(Append append)
    {
        StoreDamagedException? damage = null;
        foreach (IGrouping<(string, string), TaskEvent> run in append.Events.GroupBy(item => (item.Source, item.Id)))
        {
            try
            {
                Commit([new Append([.. run], new TaskCompletionSource())], new SideNotes());
            }
            catch (StoreDamagedException damaged)
            {
                damage = damaged;
                refuse(run.First().Source, "event of a run whose place in the file is damaged", run.Count());
            }
        }
        if (damage is null)
        {
            append.Done.TrySetResult();
        }
        else
        {
            append.Done.TrySetException(new StoreException($"{url} cannot be written: {damage.Message}", damage));
        }
    }

    void Commit(List<Append> group, SideNotes notes) => Commit(group, new WorkOrders(), notes);

    void Commit(List<Append> group, WorkOrders work, SideNotes notes)
    {
        IReadOnlyList<TaskEvent>[] events = [.. group.Select(append => append.Events)];
        Instant now = Instant.Now(clock);
        IReadOnlyList<RunChange> changes = writer.Write(events, work, notes, now);
        Problem = _damage; // before anybody hears that it is written
        lane.Settle(work);
        feed.Publish(changes);
        group.ForEach(append => append.Done.TrySetResult());
    }

    [LoggerMessage(1, LogLevel.Error, "The log cannot be written, {Events} events wait: {Problem}")]
    partial void LogCannotWrite(Exception exception, int events, string problem);

    [LoggerMessage(2, LogLevel.Error, "A group of {Appends} appends could not be stored; what can be is stored apart")]
    partial void LogUnforeseen(Exception exception, int appends);

    [LoggerMessage(3, LogLevel.Error, "Some events cannot be stored, the others are: {Problem}")]
    partial void LogDamaged(Exception exception, string problem);
}
