namespace Belfry.Tests.Folding;

/// <summary>Random lives of one id, likely and unlikely ones: retries, redeliveries, skewed clocks, lost and repeated events.</summary>
public static class Lives
{
    static readonly string[] Workers = ["w1", "w2", "w3"];

    public static List<TaskEvent> Random(Random random, string id)
    {
        var events = new List<TaskEvent>();
        long at = 1_795_000_000_000_000 + random.Next(1_000_000);
        int attempts = 1 + (random.Next(3) == 0 ? random.Next(3) : 0);
        for (int attempt = 1; attempt <= attempts; attempt++)
        {
            AddAttempt(random, id, events, ref at, attempt, attempt < attempts);
        }
        events.RemoveAll(_ => random.Next(12) == 0);
        return random.Next(4) == 0 ? [.. events, .. Reconciled(random, events)] : events;
    }

    /// <summary>What somebody concluded of them, a little earlier or later than they were.</summary>
    static IEnumerable<TaskEvent> Reconciled(Random random, List<TaskEvent> events) =>
        from item in events
        where item.Kind < EventKind.Progress && random.Next(3) == 0
        let at = new Instant(item.At.Micros + random.Next(-3, 2))
        select item with { At = at, Shown = at, Reconciled = true, Until = random.Next(2) == 0 ? new Instant(at.Micros + 5) : null, Attempt = item.Attempt ?? (random.Next(2) == 0 ? 1 : null) };

    /// <summary>Few events of one attempt, or nearly: now and then one is told twice, names another attempt or comes from another worker.</summary>
    public static List<TaskEvent> Simple(Random random, string id)
    {
        long at = 1_795_000_000_000_000;
        EventKind[] kinds = [EventKind.Submitted, EventKind.Received, EventKind.Started, (EventKind)random.Next((int)EventKind.Requeued, (int)EventKind.Context)];
        var events = new List<TaskEvent>();
        foreach (EventKind kind in kinds.Where(_ => random.Next(5) > 0))
        {
            events.Add(New(id, kind, at += random.Next(-1, 4), kind == EventKind.Submitted ? null : Workers[random.Next(8) / 7], random.Next(3) == 0 ? 1 + (random.Next(8) / 7) : null) with
            {
                Task = kind <= EventKind.Received || random.Next(9) == 0 ? "report" : null,
                Queue = kind == EventKind.Submitted ? "celery" : null,
                Args = kind <= EventKind.Received ? $"({random.Next(9) / 8},)" : null,
                Root = kind <= EventKind.Received ? id : null,
                Result = kind == EventKind.Succeeded ? "3" : null,
                Runtime = kind == EventKind.Succeeded ? 0.25 : null,
                Exception = kind is EventKind.Failed or EventKind.Retried ? "Error()" : null,
                Eta = random.Next(9) == 0 ? new Instant(at + random.Next(5)) : null,
                Expires = random.Next(9) == 0 ? new Instant(at + random.Next(5)) : null,
                Priority = random.Next(9) == 0 ? random.Next(3) : null,
                Extra = random.Next(9) == 0 ? "{}" : null,
                Context = random.Next(9) == 0 ? new RunContext("model", null, $"{random.Next(3)}") : null,
                Shown = random.Next(20) == 0 ? new Instant(at + 1_000) : new Instant(at),
            });
        }
        return events;
    }

    static void AddAttempt(Random random, string id, List<TaskEvent> events, ref long at, int attempt, bool another)
    {
        string task = random.Next(20) == 0 ? "other" : "report";
        events.Add(New(id, EventKind.Submitted, at += random.Next(5), null, random.Next(10) == 0 ? null : attempt) with { Task = task, Args = "(1, 2)", Queue = "celery" });
        int deliveries = random.Next(6) == 0 ? 2 : 1;
        for (int delivery = 0; delivery < deliveries; delivery++)
        {
            string worker = Workers[random.Next(Workers.Length)];
            long skew = random.Next(8) == 0 ? random.Next(-20, 20) : 0;
            events.Add(New(id, EventKind.Received, (at += random.Next(4)) + skew, worker, attempt) with { Task = task, Args = "(1, 2)" });
            events.Add(New(id, EventKind.Started, (at += random.Next(4)) + skew, worker, null));
            if (random.Next(5) == 0)
            {
                events.Add(New(id, EventKind.Progress, (at += random.Next(3)) + skew, worker, null) with { Percent = random.Next(100), Text = random.Next(2) == 0 ? "page" : null });
            }
            EventKind? end = another ? EventKind.Retried : random.Next(7) switch
            {
                0 => null,
                1 => EventKind.Failed,
                2 => EventKind.Cancelled,
                3 => random.Next(2) == 0 ? EventKind.Requeued : EventKind.Lost,
                _ => EventKind.Succeeded,
            };
            if (end is { } kind)
            {
                events.Add(New(id, kind, (at += random.Next(4)) + skew, worker, random.Next(10) == 0 ? attempt : null) with
                {
                    Result = kind == EventKind.Succeeded ? "3" : null,
                    Exception = kind is EventKind.Failed or EventKind.Retried ? $"Error({random.Next(3)})" : null,
                    Reason = kind is EventKind.Cancelled or EventKind.Lost ? "gone" : null,
                    Runtime = kind == EventKind.Succeeded ? 0.25 : null,
                });
            }
        }
    }

    static TaskEvent New(string id, EventKind kind, long at, string? worker, int? attempt) =>
        new() { Source = "cluster", Id = id, Kind = kind, At = new Instant(at), Worker = worker, Attempt = attempt };
}
