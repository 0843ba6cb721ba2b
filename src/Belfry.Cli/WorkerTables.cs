using System.Globalization;
using System.Text.Json;
using Belfry.Celery.Control;

namespace Belfry.Cli;

/// <summary>What workers say, for people: a row for each thing, the worker first.</summary>
static class WorkerTables
{
    const int LongestCell = 100;

    /// <summary>Prints an answer; what a worker could not do stands on stderr.</summary>
    public static void Print(WorkerCommand command, bool told, JsonElement answer)
    {
        List<(string Worker, JsonElement Reply)> replies = [.. answer.GetProperty("replies").EnumerateObject().Select(reply => (reply.Name, reply.Value))];
        foreach ((string worker, JsonElement reply) in replies.Where(reply => WorkerStats.IsError(reply.Reply)))
        {
            Console.Error.WriteLine($"belfry: {worker}: {WorkerStats.ErrorOf(reply)}");
        }
        replies.RemoveAll(reply => WorkerStats.IsError(reply.Reply));
        if (replies.Count == 0 && command.Name != "ping")
        {
            return;
        }
        if (command.Name == "report")
        {
            replies.ForEach(reply => Answers.PrintText($"{reply.Worker}\n{Text(reply.Reply, "ok").TrimEnd()}\n"));
            return;
        }
        (string[] head, Func<JsonElement, IEnumerable<string[]>> rows) = told ? (["ANSWER"], reply => [[Text(reply, "ok")]]) : Columns(command.Name);
        List<string[]> table = [.. replies.SelectMany(reply => rows(reply.Reply).Select(row => (string[])[reply.Worker, .. row.Select(Cut)]))];
        if (command.Name == "ping")
        {
            table.AddRange(answer.GetProperty("silent").EnumerateArray().Select(worker => new[] { Text(worker, "worker"), SilentWord(Text(worker, "presence")) }));
        }
        Answers.Print(["WORKER", .. head], table);
        if (table.Count == 0 && replies.Count > 0)
        {
            Console.Error.WriteLine($"belfry: {(replies.Count == 1 ? "1 worker answered, and has" : $"{replies.Count} workers answered, and have")} none.");
        }
    }

    /// <summary>How a worker is that did not answer.</summary>
    public static string SilentWord(string presence) => presence switch { "connected" => "busy", "gone" => "gone", _ => "no answer" };

    /// <summary>Since when a worker is up.</summary>
    public static string Uptime(WorkerStats stats) => stats.Uptime is { } uptime ? uptime.ToString(uptime.Days > 0 ? @"d\.hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture) : "";

    /// <summary>Most memory that it ever had.</summary>
    public static string Memory(WorkerStats stats) => stats.Memory is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N0} MB") : "";

    static (string[] Head, Func<JsonElement, IEnumerable<string[]>> Rows) Columns(string command) => command switch
    {
        "ping" => (["ANSWER"], reply => [[Text(reply, "ok")]]),
        "active" => (["ID", "TASK", "SINCE", "PID", "ARGS", "KWARGS"], reply => Items(reply).Select(run => new[] { Text(run, "id"), Text(run, "name"), Since(run), Text(run, "worker_pid"), Text(run, "args"), Text(run, "kwargs") })),
        "reserved" => (["ID", "TASK", "QUEUE", "ARGS", "KWARGS"], reply => Items(reply).Select(run => new[] { Text(run, "id"), Text(run, "name"), QueueOf(run), Text(run, "args"), Text(run, "kwargs") })),
        "scheduled" => (["ID", "TASK", "ETA", "QUEUE", "ARGS", "KWARGS"], reply => Items(reply).Select(item => (Eta: Text(item, "eta"), Run: Field(item, "request")))
            .Select(item => new[] { Text(item.Run, "id"), Text(item.Run, "name"), item.Eta, QueueOf(item.Run), Text(item.Run, "args"), Text(item.Run, "kwargs") })),
        "revoked" => (["ID"], reply => Items(reply).Select(id => new[] { $"{id}" })),
        "registered" => (["TASK"], reply => Items(reply).Select(task => new[] { $"{task}" })),
        "stats" => (["PID", "UPTIME", "POOL", "SLOTS", "PREFETCH", "BEGUN", "MEMORY"], reply => [Row(WorkerStats.Read(reply))]),
        "queues" => (["QUEUE", "EXCHANGE", "TYPE", "ROUTING KEY"], reply => Items(reply).Select(queue => new[] { Text(queue, "name"), Text(Field(queue, "exchange"), "name"), Text(Field(queue, "exchange"), "type"), Text(queue, "routing_key") })),
        "conf" => (["SETTING", "VALUE"], reply => Properties(reply).Select(setting => new[] { setting.Name, Value(setting.Value) })),
        "query" => (["ID", "STATE", "TASK"], reply => Properties(reply).Select(run => run.Value.ValueKind == JsonValueKind.Array && run.Value.GetArrayLength() > 1
            ? new[] { run.Name, $"{run.Value[0]}", Text(run.Value[1], "name") } : [run.Name, Value(run.Value), ""])),
        "clock" => (["CLOCK"], reply => [[Text(reply, "clock")]]),
        "facts" => (["COMPONENT", "FACT"], reply => WorkerStats.FactsOf(reply).Select(fact => new[] { fact.Key, Value(fact.Value) })),
        "memsample" => (["MEMORY"], reply => [[reply.ValueKind == JsonValueKind.Null ? "not known: psutil is not installed there" : Value(reply)]]),
        _ => (["ANSWER"], reply => [[Value(reply)]]),
    };

    static string[] Row(WorkerStats stats) =>
    [
        $"{stats.Pid}", Uptime(stats), stats.IsSolo ? "solo" : stats.Pool ?? "", $"{stats.Slots}", $"{stats.Prefetch}", stats.Totals.Values.Sum().ToString("N0", CultureInfo.InvariantCulture), Memory(stats),
    ];

    static string Since(JsonElement run) =>
        Field(run, "time_start") is { ValueKind: JsonValueKind.Number } start && Instant.FromUnixSeconds(start.GetDouble()) is var at ? at.ToString() : "";

    static string QueueOf(JsonElement run) => Text(Field(run, "delivery_info"), "routing_key");

    static JsonElement.ArrayEnumerator Items(JsonElement reply) => reply.ValueKind == JsonValueKind.Array ? reply.EnumerateArray() : default;

    static JsonElement.ObjectEnumerator Properties(JsonElement reply) => reply.ValueKind == JsonValueKind.Object ? reply.EnumerateObject() : default;

    static JsonElement Field(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) ? value : default;

    static string Text(JsonElement item, string name) => Field(item, name) is { ValueKind: not JsonValueKind.Undefined and not JsonValueKind.Null } value ? Value(value) : "";

    static string Value(JsonElement value) => value.ValueKind is JsonValueKind.String ? value.GetString()! : value.ValueKind == JsonValueKind.Undefined ? "" : Answers.Line(value);

    static string Cut(string cell) => Excerpt.Of(cell, LongestCell).ReplaceLineEndings(" ");
}
