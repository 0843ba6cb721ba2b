namespace Belfry.Server.Tests.Admin;

/// <summary>Events of runs as Celery would send them, some seconds ago.</summary>
static class SampleRuns
{
    public const string Trace = """
        Traceback (most recent call last):
          File "/usr/lib/python3/dist-packages/celery/app/trace.py", line 451, in trace_task
            R = retval = fun(*args, **kwargs)
                         ^^^^^^^^^^^^^^^^^^^^
          File "/usr/lib/python3/dist-packages/celery/app/trace.py", line 734, in __protected_call__
            return self.run(*args, **kwargs)
          File "/srv/gap/gap/tasks/ingestor.py", line 84, in run
            page = fetch(session, feed.url, timeout=10)
          File "/srv/gap/gap/http.py", line 41, in fetch
            return session.get(url, timeout=timeout)
          File "/usr/lib/python3/dist-packages/requests/sessions.py", line 600, in get
            return self.request("GET", url, **kwargs)
        requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='feeds.northgate.example', port=443): Read timed out. (read timeout=10)

        """;

    static Instant Now => Instant.Now(TimeProvider.System);

    /// <summary>A life from submission to its end, that long ago; without an end it still runs.</summary>
    public static IReadOnlyList<TaskEvent> Life(
        string id, string task, double ago, EventKind? end, double runtime = 0.2, string? queue = "default", string? worker = "celery@default-1", string? kwargs = null, string? exception = null,
        string? traceback = null, string? reason = null, int attempt = 1, string? parent = null, string source = "prod-celery", string? args = "()", string? result = null)
    {
        Instant at = Now - TimeSpan.FromSeconds(ago);
        TaskEvent Event(EventKind kind, double after) => new() { Source = source, Id = id, Kind = kind, At = at + TimeSpan.FromSeconds(after), Attempt = attempt, Worker = kind == EventKind.Submitted ? null : worker };
        List<TaskEvent> life =
        [
            Event(EventKind.Submitted, -0.05) with { Task = task, Queue = queue, Args = args, Kwargs = kwargs ?? "{}", Parent = parent },
            Event(EventKind.Received, -0.02) with { Task = task, Args = args, Kwargs = kwargs ?? "{}", Parent = parent },
            Event(EventKind.Started, 0),
        ];
        if (end is { } kind)
        {
            life.Add(Event(kind, runtime) with
            {
                Runtime = kind == EventKind.Succeeded ? runtime : null, Exception = exception, Traceback = traceback, Reason = reason,
                Result = kind == EventKind.Succeeded ? result ?? "None" : null,
            });
        }
        return life;
    }

    /// <summary>A morning like that of the pictures.</summary>
    public static IReadOnlyList<TaskEvent> Morning()
    {
        const string timeout = """ReadTimeout("HTTPSConnectionPool(host='feeds.northgate.example', port=443): Read timed out. (read timeout=10)")""";
        List<TaskEvent> events = [];
        for (int number = 0; number < 400; number++)
        {
            double ago = 400 + (number * 200);
            events.AddRange(Life($"old-{number}", number % 3 == 0 ? "gap.tasks.images.resize" : "gap.tasks.webhooks.deliver", ago, number % 41 == 0 ? EventKind.Failed : EventKind.Succeeded,
                exception: number % 41 == 0 ? "HTTPError('410 Gone')" : null, runtime: 0.1 + (number % 17 * 0.3), kwargs: $"{{'order_id': {number}}}"));
        }
        events.AddRange(Life("progress-1", "gap.tasks.imports.import_orders", 108, null, queue: "imports"));
        events.Add(new TaskEvent { Source = "prod-celery", Id = "progress-1", Kind = EventKind.Progress, At = Now - TimeSpan.FromSeconds(2), Percent = 62, Text = "page 31 of 50", Worker = "celery@default-1" });
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            events.AddRange(Life("7c1d09f2-5b0e-4c9d-8a41-0e2b6f7d3a10", "gap.tasks.ingestor.run", 75 - (attempt * 15), attempt < 3 ? EventKind.Retried : EventKind.Failed, 10, "ingest", "celery@ingest-1",
                "{'feed': 'northgate-prices', 'since': '2026-11-19T08:30:00Z', 'options': {'pages': 50, 'dry_run': False, 'mode': 'everything that is new'}}", timeout, Trace, attempt: attempt, parent: "beat-1"));
        }
        events.AddRange(Life("beat-1", "schedule.every_10_min", 61, EventKind.Succeeded, 0.021));
        events.AddRange(Life("child-1", "gap.tasks.ingestor.fetch_page", 25, EventKind.Succeeded, 1.9, "ingest", "celery@ingest-2", parent: "7c1d09f2-5b0e-4c9d-8a41-0e2b6f7d3a10"));
        events.AddRange(Life("skip-1", "gap.tasks.cleanup.expire_sessions", 40, EventKind.Skipped, 0.012, reason: "nothing to expire"));
        events.AddRange(Life("cancel-1", "gap.tasks.reports.build_pdf", 62, EventKind.Cancelled, 38.4, reason: "revoked by mara: wrong month"));
        events.AddRange(Life("ok-1", "gap.tasks.mail.send_receipt", 4, EventKind.Succeeded, 0.486, "mail", "celery@mail-1", "{'order_id': 5520917}", result: "{'accepted': True, 'server': 'mx1'}"));
        events.AddRange(Life("run-1", "gap.tasks.images.resize", 1, null, queue: "images", worker: "celery@images-1", kwargs: "{'asset': 'p/88/1f/9c2e.jpg', 'sizes': [320, 640]}"));
        events.Add(new TaskEvent { Source = "prod-celery", Id = "wait-1", Kind = EventKind.Submitted, At = Now - TimeSpan.FromSeconds(310), Task = "gap.tasks.mail.send_digest", Queue = "mail", Kwargs = "{'segment': 'weekly-eu', 'page': 15}" });
        return events;
    }
}
