namespace Belfry.Celery.Events;

/// <summary>Marks in batches what was missed before them. For one thread.</summary>
sealed class GapMarker
{
    // Workers send in batches, and their clocks are not ours.
    static readonly TimeSpan Lead = TimeSpan.FromSeconds(5);

    /// <summary>When the youngest event that was read was sent; null when none was.</summary>
    public Instant? LastSent { get; private set; }

    /// <summary>The stream began anew, or lost something, before the events of this batch.</summary>
    public void Mark(StreamBreak missing, Instant arrived, EventBatch batch)
    {
        batch.UnbrokenSince = arrived;
        if (missing.Reason is { } reason)
        {
            Instant from = Instant.Min(LastSent ?? missing.LastRead ?? arrived, missing.LastRead ?? arrived) - Lead;
            batch.Gap = new StreamGap(from, arrived, reason);
        }
        if (missing.Dropped > 0)
        {
            batch.Refuse("message dropped, the queue was full", missing.Dropped);
        }
    }

    /// <summary>Remembers when the events of a batch were sent, from this one on.</summary>
    public void NoteLastSent(EventBatch batch, int from)
    {
        for (int i = from; i < batch.Events.Count; i++)
        {
            LastSent = Instant.Max(LastSent ?? batch.Events[i].Shown, batch.Events[i].Shown);
        }
    }
}
