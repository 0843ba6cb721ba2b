namespace Belfry;

/// <summary>To which attempt a fact belongs. Celery names it only on <c>submitted</c> and <c>received</c>; the rest is inferred.</summary>
static class Attempts
{
    /// <summary>The attempt of each fact.</summary>
    /// <param name="facts">Facts about states, in the order in which they count.</param>
    public static int[] Assign(List<TaskEvent> facts)
    {
        var attempts = new int[facts.Count];
        for (int i = 0; i < attempts.Length; i++)
        {
            TaskEvent fact = facts[i];
            attempts[i] = Named(fact) ?? (fact is { Kind: EventKind.Retried, Reconciled: false } ? AmongReal(facts, attempts, i) : Inferred(facts, attempts, i));
        }
        return attempts;
    }

    /// <summary>Which facts count: those of the newest attempts, and of each kind so many.</summary>
    public static bool[] Counting(List<TaskEvent> facts, int[] attempts)
    {
        var counts = new bool[attempts.Length];
        var seen = new Dictionary<(int, EventKind), int>();
        int newest = attempts.Max();
        void Count(int i, bool earliest)
        {
            bool wantsEarliest = facts[i].Kind is EventKind.Submitted or EventKind.Succeeded;
            if (wantsEarliest == earliest && attempts[i] > newest - Fold.AttemptsKept)
            {
                (int, EventKind) key = (attempts[i], facts[i].Kind);
                int n = seen.GetValueOrDefault(key);
                counts[i] = n < Fold.FactsKept;
                seen[key] = n + 1;
            }
        }
        for (int i = 0; i < attempts.Length; i++)
        {
            Count(i, earliest: true);
        }
        for (int i = attempts.Length - 1; i >= 0; i--)
        {
            Count(i, earliest: false);
        }
        return counts;
    }

    static int? Named(TaskEvent fact) =>
        fact.Attempt ?? (fact.Kind is EventKind.Submitted or EventKind.Received ? 1 : null);

    /// <summary>A reconciled <c>retried</c> of the same attempt must not move the real one, which takes its place, to the next.</summary>
    static int AmongReal(List<TaskEvent> facts, int[] attempts, int i)
    {
        if (!facts.Exists(fact => fact.Reconciled))
        {
            return Inferred(facts, attempts, i);
        }
        int[] real = [.. Enumerable.Range(0, i + 1).Where(j => !facts[j].Reconciled || facts[j].Kind == EventKind.Received)];
        return Inferred([.. real.Select(j => facts[j])], [.. real.Select(j => attempts[j])], real.Length - 1);
    }

    static int Inferred(List<TaskEvent> facts, int[] attempts, int i)
    {
        TaskEvent fact = facts[i];
        if (fact.Kind == EventKind.Retried && OfRetried(facts, attempts, i) is { } retried)
        {
            return retried;
        }
        int received = LastReceived(facts, i, fact.Worker);
        if (received >= 0)
        {
            int attempt = attempts[received];
            bool retriedSince = Any(facts, attempts, received + 1, i, EventKind.Retried, attempt, fact.Worker);
            return retriedSince ? attempt + 1 : attempt;
        }
        if (fact.Kind == EventKind.Started && FirstReceived(facts, i + 1, fact.Worker) is > 1 and { } next)
        {
            return next - 1; // it began before the first receipt that we saw, so that one is of the next attempt
        }
        return HighestBefore(facts, attempts, i);
    }

    /// <summary>
    /// A retried event mostly arrives after the receipt of the next attempt, often by the same worker. It belongs to the highest attempt
    /// received by its worker, not retried yet, whose next attempt has been named; or, receipts having been missed, to the one before the
    /// first that was received, if that has not begun.
    /// </summary>
    static int? OfRetried(List<TaskEvent> facts, int[] attempts, int i)
    {
        string? worker = facts[i].Worker;
        int best = 0, first = -1;
        for (int j = 0; j < i; j++)
        {
            if (facts[j].Kind != EventKind.Received || !IsOf(facts[j], worker))
            {
                continue;
            }
            first = first < 0 ? j : first;
            int attempt = attempts[j];
            if (attempt > best && !Any(facts, attempts, 0, i, EventKind.Retried, attempt) && IsNamed(facts, i, attempt + 1))
            {
                best = attempt;
            }
        }
        if (best > 0)
        {
            return best;
        }
        bool missed = first >= 0 && attempts[first] > 1
            && !Any(facts, attempts, first + 1, i, EventKind.Started, attempts[first], worker)
            && !Any(facts, attempts, 0, i, EventKind.Retried, attempts[first] - 1);
        return missed ? attempts[first] - 1 : null;
    }

    static int HighestBefore(List<TaskEvent> facts, int[] attempts, int i)
    {
        int highest = 1;
        for (int j = 0; j < i; j++)
        {
            highest = Math.Max(highest, Named(facts[j]) ?? 1);
            highest = Math.Max(highest, facts[j].Kind == EventKind.Retried ? attempts[j] + 1 : 1);
        }
        return highest;
    }

    static int LastReceived(List<TaskEvent> facts, int before, string? worker)
    {
        for (int j = before - 1; j >= 0; j--)
        {
            if (facts[j].Kind == EventKind.Received && IsOf(facts[j], worker))
            {
                return j;
            }
        }
        return -1;
    }

    static int? FirstReceived(List<TaskEvent> facts, int from, string? worker)
    {
        for (int j = from; j < facts.Count; j++)
        {
            if (facts[j].Kind == EventKind.Received && IsOf(facts[j], worker))
            {
                return Named(facts[j]);
            }
        }
        return null;
    }

    static bool Any(List<TaskEvent> facts, int[] attempts, int from, int to, EventKind kind, int attempt)
    {
        for (int j = from; j < to; j++)
        {
            if (facts[j].Kind == kind && attempts[j] == attempt)
            {
                return true;
            }
        }
        return false;
    }

    static bool Any(List<TaskEvent> facts, int[] attempts, int from, int to, EventKind kind, int attempt, string? worker)
    {
        for (int j = from; j < to; j++)
        {
            if (facts[j].Kind == kind && attempts[j] == attempt && IsOf(facts[j], worker))
            {
                return true;
            }
        }
        return false;
    }

    static bool IsNamed(List<TaskEvent> facts, int before, int attempt)
    {
        for (int j = 0; j < before; j++)
        {
            if (Named(facts[j]) == attempt)
            {
                return true;
            }
        }
        return false;
    }

    static bool IsOf(TaskEvent fact, string? worker) => string.Equals(fact.Worker, worker, StringComparison.Ordinal);
}
