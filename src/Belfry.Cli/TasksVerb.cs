using System.CommandLine;
using System.Text.Json;
using Belfry.Server.Api;
using Belfry.Storage;
using Belfry.Storage.Definitions;

namespace Belfry.Cli;

/// <summary><c>belfry tasks</c>: the tasks that applications registered in a store.</summary>
static class TasksVerb
{
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "tasks", "The tasks that .NET applications registered in this store, with their conditions",
        "belfry tasks --store sqlite://tasks.db", "belfry tasks --server http://127.0.0.1:2355 --token T") { Json, ServerClient.Server, ServerClient.Token }.Does(ListAsync);

    static async Task<int> ListAsync(ParseResult line, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line);
        IReadOnlyList<JsonElement> tasks = await KnownAsync(line, server, cancel);
        if (tasks.Count == 0)
        {
            await Console.Error.WriteLineAsync("belfry: no .NET application has registered a task here; those of Celery are known by their runs");
        }
        if (line.GetValue(Json))
        {
            Answers.Print(tasks);
        }
        else
        {
            Answers.Print(["TASK", "CONDITION", "SWITCHED", "PROCESS", "SEEN"], [.. tasks.Select(Row)]);
        }
        return tasks.Count > 0 ? Exits.Done : Exits.No;
    }

    /// <summary>The tasks that applications registered, with a server or in the store of the line.</summary>
    public static Task<IReadOnlyList<JsonElement>> KnownAsync(ParseResult line, ServerClient? server, CancellationToken cancel) =>
        server is null ? ReadAsync(line, cancel) : AskAsync(server, cancel);

    static string[] Row(JsonElement task) =>
    [
        Answers.Text(task, "task"), Answers.Text(task, "condition"), task.TryGetProperty("disabled", out JsonElement off) ? off.GetBoolean() ? "off" : "on" : "",
        Answers.Text(task, "process"), Answers.Text(task, "seen"),
    ];

    static async Task<IReadOnlyList<JsonElement>> AskAsync(ServerClient server, CancellationToken cancel)
    {
        List<JsonElement> tasks = [];
        for (string? after = ""; after is not null;)
        {
            JsonElement page = await server.GetAsync($"api/v1/tasks?registered=true&limit=1000&cursor={Uri.EscapeDataString(after)}", cancel);
            tasks.AddRange(page.GetProperty("items").EnumerateArray().Select(task => task.GetProperty("registered")));
            after = page.GetProperty("next").GetString();
        }
        return tasks;
    }

    static async Task<IReadOnlyList<JsonElement>> ReadAsync(ParseResult line, CancellationToken cancel)
    {
        using StoreTables? tables = await StoreTables.OpenForReadingAsync(StoreUrl.Parse(Common.Settings(line).Store), TaskBook.Scripts, cancel);
        if (tables is null)
        {
            return [];
        }
        using var book = new TaskBook(tables);
        return [.. (await book.ListAsync(cancel)).Select(task => Answers.Of(json => ForecastJson.Write(json, task)))];
    }
}
