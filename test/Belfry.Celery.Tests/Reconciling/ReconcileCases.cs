using System.Globalization;
using System.Text.Json;
using Belfry.Celery.Reconciling;

namespace Belfry.Celery.Tests.Reconciling;

/// <summary>A known run, evidence about it, the facts that follow, and the rows that they make together with what comes later.</summary>
public sealed class ReconcileCases
{
    const string Source = "cluster", Id = "id";

    static readonly JsonElement[] Cases =
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "reconcile.jsonl")).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement)];

    public static TheoryData<string> Names => [.. Cases.Select(item => item.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Evidence_proves_these_facts(string name)
    {
        (JsonElement item, Reconciliation concluded) = Conclude(name);
        Assert.Equal(item.GetProperty("facts").EnumerateArray().Select(fact => Words(FactOf(fact, item))), concluded.Facts.Select(Words));
        Assert.Equal(item.GetProperty("next").GetString(), NextWord(concluded.Next));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_facts_make_these_rows_and_real_events_that_come_later_these(string name)
    {
        (JsonElement item, Reconciliation concluded) = Conclude(name);
        List<TaskEvent> events = [.. Known(item), .. concluded.Facts];
        Assert.Equal(Rows(item, "rows"), Fold.Rows(events).Select(Words));
        if (!item.TryGetProperty("then", out JsonElement then))
        {
            return;
        }
        events.AddRange(then.EnumerateArray().Select(fact => FactOf(fact, item)));
        var random = new Random(20261121);
        for (int round = 0; round < 50; round++)
        {
            Assert.Equal(Rows(item, "rowsThen"), Fold.Rows(events).Select(Words));
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(events));
        }
    }

    static (JsonElement Item, Reconciliation Concluded) Conclude(string name)
    {
        JsonElement item = Cases.First(candidate => candidate.GetProperty("id").GetString() == name);
        JsonElement json = item.GetProperty("evidence");
        TaskRun? known = Fold.Rows(Known(item)).SingleOrDefault();
        known = known is not null ? known with { Expires = At(json, "expires") } : null;
        return (item, Reconcile.Run(Source, Id, known, EvidenceOf(json)));
    }

    static Evidence EvidenceOf(JsonElement json) => new()
    {
        Asked = At(json, "asked")!.Value,
        Gap = json.TryGetProperty("gap", out JsonElement gap) ? new Gap(At(gap, "from")!.Value, At(gap, "to")!.Value) : null,
        Record = json.TryGetProperty("record", out JsonElement record) ? Record(record) : null,
        Queued = json.TryGetProperty("queue", out JsonElement queue) ? Message(queue) : null,
        Unacked = json.TryGetProperty("unacked", out JsonElement unacked) ? Message(unacked) : null,
        Workers = json.TryGetProperty("workers", out JsonElement workers) ? workers.EnumerateObject().ToDictionary(worker => worker.Name, worker => Worker(worker.Value)) : [],
        Rounds = (int)(Number(json, "rounds") ?? 0),
        Complete = Is(json, "complete"),
        IsRabbitMq = Text(json, "broker") == "rabbit",
        Drained = Is(json, "drained"),
        RateLimited = Is(json, "rateLimited"),
        Unheard = TimeSpan.FromSeconds(Math.Min(Number(json, "unheard") ?? 0, Number(json, "stream") ?? 0)),
        LostAfter = TimeSpan.FromSeconds(Number(json, "lostAfter") ?? 60),
        Visibility = TimeSpan.FromSeconds(Number(json, "visibility") ?? 3600),
    };

    static ResultEvidence Record(JsonElement json) => new(Text(json, "status")!)
    {
        Done = At(json, "date_done"), Attempt = (int?)Number(json, "retries") + 1, Worker = Text(json, "worker"), Task = Text(json, "name"), Result = Text(json, "result"),
    };

    static MessageEvidence Message(JsonElement json) => new((int)(Number(json, "retries") ?? 0) + 1, Text(json, "task"), At(json, "taken"));

    static WorkerEvidence Worker(JsonElement json) => new(Enum.Parse<WorkerSays>(Text(json, "state")!, ignoreCase: true))
    {
        Start = At(json, "start"), Task = Text(json, "task"), Idle = Is(json, "idle"), Last = At(json, "last"), Online = At(json, "online"),
    };

    /// <summary>The events that a known row stands for.</summary>
    static List<TaskEvent> Known(JsonElement item)
    {
        if (item.GetProperty("known") is not { ValueKind: JsonValueKind.Object } row)
        {
            return [];
        }
        (EventKind Kind, string Column)[] columns =
        [
            (EventKind.Submitted, "submitted"), (EventKind.Received, "received"), (EventKind.Started, "started"), (EventKind.Failed, "finished"),
        ];
        return
        [
            .. from column in columns
               let at = At(row, column.Column)
               where at is not null
               select new TaskEvent
               {
                   Source = Source, Id = Id, Kind = column.Kind, At = at.Value, Attempt = (int)Number(row, "attempt")!,
                   Worker = column.Kind == EventKind.Submitted ? null : Text(row, "worker"), Task = Text(row, "task"),
               },
        ];
    }

    static TaskEvent FactOf(JsonElement json, JsonElement item) => new()
    {
        Source = Source, Id = Id, Kind = EventKinds.TryParse(Text(json, "kind"), out EventKind kind) ? kind : throw new FormatException(), At = At(json, "at")!.Value,
        Attempt = (int?)Number(json, "attempt"), Worker = Text(json, "worker"), Task = Text(json, "task"), Result = Text(json, "result"), Exception = Text(json, "exception"),
        Reason = Reason(json, item), Until = At(json, "until"), Reconciled = Is(json, "reconciled"),
    };

    /// <summary>The cases say after how many seconds the broker gives a message back; people are told the instant.</summary>
    static string? Reason(JsonElement json, JsonElement item)
    {
        const string kept = "kept by the broker until ";
        JsonElement evidence = item.GetProperty("evidence");
        return Text(json, "reason") is { } reason && reason.StartsWith(kept, StringComparison.Ordinal)
            ? kept + (At(evidence.GetProperty("unacked"), "taken")!.Value + TimeSpan.FromSeconds(double.Parse(reason[kept.Length..], CultureInfo.InvariantCulture)))
            : Text(json, "reason");
    }

    static string Words(TaskEvent fact) => string.Join(
        " | ", fact.Kind, fact.At, fact.Attempt, fact.Worker, fact.Task, fact.Result, fact.Exception, fact.Reason, fact.Until, fact.Reconciled);

    static IEnumerable<string> Rows(JsonElement item, string name) => item.GetProperty(name).EnumerateArray().Select(row => string.Join(
        " | ", row.GetProperty("attempt"), row.GetProperty("state"), row.GetProperty("redeliveries"), Text(row, "worker"), Text(row, "task"), Text(row, "submitted"),
        Text(row, "received"), Text(row, "started"), Text(row, "finished"), Text(row, "result"), Text(row, "exception"), Reason(row, item),
        row.TryGetProperty("reconciled", out JsonElement parts) ? string.Join(",", parts.EnumerateArray()) : ""));

    static string Words(TaskRun run) => string.Join(
        " | ", run.Attempt, run.State, run.Redeliveries, run.Worker, run.Task, run.Submitted, run.Received, run.Started, run.Finished, run.Result, run.Exception, run.Reason,
        string.Join(",", run.Reconciled.ToNames()));

    static string NextWord(NextStep next) => next == NextStep.AskAgain ? "ask again" : $"{next}".ToLowerInvariant();

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Object) ? value.ToString() : null;

    static double? Number(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : null;

    static bool Is(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

    static Instant? At(JsonElement json, string name) => Text(json, name) is { } text ? Instant.TryParse(text, out Instant at) ? at : throw new FormatException(text) : null;
}
