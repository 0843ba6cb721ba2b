namespace Belfry;

/// <summary>Where reconciled facts of an attempt give way: in a delivery each does to a real fact of its slot, even to another outcome.</summary>
static class GivingWay
{
    /// <summary>The facts of an attempt that stand, in order; the same list where none is reconciled.</summary>
    public static List<TaskEvent> Standing(List<TaskEvent> own)
    {
        if (!own.Exists(fact => fact.Reconciled))
        {
            return own;
        }
        List<TaskEvent> known = own.FindAll(fact => !IsTold(fact, own));
        var slots = new List<(TaskEvent Fact, Delivery Delivery, Slot Slot)>();
        _ = new Deliveries(known, (fact, delivery) => slots.Add((fact, delivery, SlotOf(fact.Kind))));
        HashSet<TaskEvent> beaten =
        [
            .. slots.Where(slot => slot.Fact.Reconciled && slot.Slot != Slot.None
                && slots.Exists(other => !other.Fact.Reconciled && other.Slot == slot.Slot && ReferenceEquals(other.Delivery, slot.Delivery))).Select(slot => slot.Fact),
        ];
        return beaten.Count == 0 ? known : known.FindAll(fact => !beaten.Contains(fact));
    }

    /// <summary>A submission that another tells; a receipt that the same worker tells within the time in which this one may have been.</summary>
    static bool IsTold(TaskEvent fact, List<TaskEvent> own) => fact.Reconciled && fact.Kind switch
    {
        EventKind.Submitted => own.Exists(other => other is { Reconciled: false, Kind: EventKind.Submitted }),
        EventKind.Received => own.Exists(other => other is { Reconciled: false, Kind: EventKind.Received }
            && string.Equals(other.Worker, fact.Worker, StringComparison.Ordinal) && other.Shown >= fact.Shown && other.Shown <= (fact.Until ?? fact.Shown)),
        _ => false,
    };

    static Slot SlotOf(EventKind kind) => kind == EventKind.Started ? Slot.Start : kind.IsOutcome() ? Slot.Outcome : Slot.None;

    enum Slot
    {
        None,
        Start,
        Outcome,
    }
}
