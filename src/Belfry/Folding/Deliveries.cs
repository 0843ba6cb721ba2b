namespace Belfry;

/// <summary>
/// The deliveries of one attempt: each receipt by a worker is one, and what followed belongs to one of them. What comes before every
/// receipt, or without any, belongs to an unseen one before all.
/// </summary>
sealed class Deliveries
{
    readonly List<Delivery> _all = new(1);

    /// <summary>Deals the facts of one attempt, given in order, to its deliveries.</summary>
    /// <param name="facts">The facts.</param>
    /// <param name="dealt">Told to which delivery each goes that is no submission and no receipt.</param>
    public Deliveries(IReadOnlyList<TaskEvent> facts, Action<TaskEvent, Delivery>? dealt = null)
    {
        for (int i = 0; i < facts.Count; i++)
        {
            TaskEvent fact = facts[i];
            if (fact.Kind == EventKind.Received)
            {
                AddReceipt(fact);
            }
            else if (fact.Kind != EventKind.Submitted)
            {
                Delivery delivery = Of(fact.Worker);
                delivery.Take(fact, i);
                dealt?.Invoke(fact, delivery);
            }
        }
        if (_all.Count == 0)
        {
            _all.Add(new Delivery(null));
        }
    }

    /// <summary>What the delivery says that tells the state: that of the earliest success, else the latest not given back, else the latest.</summary>
    public Told Told()
    {
        Delivery speaking = Speaking();
        int redeliveries = Math.Max(0, _all.Count(delivery => delivery.Received is not null) - 1);
        return new Told(speaking.Received, speaking.FirstStart, speaking.LastStart, speaking.Outcome, speaking.Lost, speaking.GivenBack ? speaking.Requeued : null, redeliveries);
    }

    Delivery Speaking()
    {
        Delivery? success = null, open = null;
        foreach (Delivery delivery in _all)
        {
            bool earlier = success is null || delivery.OutcomeIndex < success.OutcomeIndex;
            success = delivery.Outcome?.Kind == EventKind.Succeeded && earlier ? delivery : success;
            open = delivery.GivenBack ? open : delivery;
        }
        return success ?? open ?? _all[^1];
    }

    void AddReceipt(TaskEvent fact)
    {
        foreach (Delivery delivery in _all)
        {
            if (delivery.Received is { } other && other.Shown == fact.Shown && string.Equals(other.Worker, fact.Worker, StringComparison.Ordinal))
            {
                return;
            }
        }
        _all.Add(new Delivery(fact));
    }

    /// <summary>The latest delivery so far to that worker, else the latest so far.</summary>
    Delivery Of(string? worker)
    {
        for (int i = _all.Count - 1; i >= 0; i--)
        {
            if (_all[i].Received is { } receipt && string.Equals(receipt.Worker, worker, StringComparison.Ordinal))
            {
                return _all[i];
            }
        }
        if (_all.Count == 0)
        {
            _all.Add(new Delivery(null)); // the unseen one
        }
        return _all[^1];
    }
}

/// <summary>What tells the state of an attempt.</summary>
/// <param name="Received">The receipt of the delivery that speaks; null when it was not seen.</param>
/// <param name="FirstStart">Its first start.</param>
/// <param name="LastStart">Its last start.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Lost">That it was given up.</param>
/// <param name="GivenBack">That it was given back to the queue; null if it was not, or has begun since.</param>
/// <param name="Redeliveries">Receipts less one, never below none.</param>
readonly record struct Told(TaskEvent? Received, TaskEvent? FirstStart, TaskEvent? LastStart, TaskEvent? Outcome, TaskEvent? Lost, TaskEvent? GivenBack, int Redeliveries);

/// <summary>One delivery of an attempt to a worker.</summary>
/// <param name="received">Its receipt; null when it was not seen.</param>
sealed class Delivery(TaskEvent? received)
{
    int _lastStart = -1, _lastRequeue = -1;

    public TaskEvent? Received { get; } = received;

    public TaskEvent? FirstStart { get; private set; }

    public TaskEvent? LastStart { get; private set; }

    public TaskEvent? Outcome { get; private set; }

    public TaskEvent? Lost { get; private set; }

    public TaskEvent? Requeued { get; private set; }

    public int OutcomeIndex { get; private set; } = -1;

    /// <summary>Given back to the queue, and not begun since.</summary>
    public bool GivenBack => Outcome is null && _lastRequeue >= 0 && _lastRequeue > _lastStart;

    public void Take(TaskEvent fact, int index)
    {
        switch (fact.Kind)
        {
            case EventKind.Started:
                FirstStart ??= fact;
                LastStart = fact;
                _lastStart = index;
                break;
            case EventKind.Requeued:
                Requeued = fact;
                _lastRequeue = index;
                break;
            case EventKind.Lost:
                Lost = fact;
                break;
            default:
                if (Outcome is null || Rank(fact.Kind) < Rank(Outcome.Kind))
                {
                    Outcome = fact;
                    OutcomeIndex = index;
                }
                break;
        }
    }

    /// <summary>Of several outcomes the first in this order stands, and of one kind the earliest.</summary>
    static int Rank(EventKind kind) => kind switch
    {
        EventKind.Succeeded => 0,
        EventKind.Failed => 1,
        EventKind.Retried => 2,
        EventKind.Skipped => 3,
        _ => 4,
    };
}
