using System.CommandLine;
using System.Text.Json;
using Belfry.Storage;
using Belfry.Storage.Definitions;

namespace Belfry.Cli;

/// <summary><c>belfry tasks</c>: the tasks that applications registered in a store.</summary>
static class TasksVerb
{
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() =>
        new Verb("tasks", "The tasks that .NET applications registered in this store, with their conditions", "belfry tasks --store sqlite://tasks.db") { Json }.Does(ListAsync);

    static async Task<int> ListAsync(ParseResult line, CancellationToken cancel)
    {
        IReadOnlyList<BookedTask> tasks = await ReadAsync(line, cancel);
        if (line.GetValue(Json))
        {
            StoredAccess.Print(tasks.Select(task => new
            {
                task = task.Name, condition = task.Start, options = JsonElement.Parse(task.Options), parameters = JsonElement.Parse(task.Parameters), source = task.Source,
                process = task.Process, registered = task.Registered.ToString(), seen = task.Seen.ToString(), disabled = task.IsDisabled,
            }));
        }
        else
        {
            StoredAccess.Print(
                ["TASK", "CONDITION", "SWITCHED", "PROCESS", "SEEN"],
                [.. tasks.Select(task => new[] { task.Name, task.Start, task.IsDisabled switch { true => "off", false => "on", null => "" }, task.Process, task.Seen.ToString() })]);
        }
        return tasks.Count > 0 ? Exits.Done : Exits.No;
    }

    static async Task<IReadOnlyList<BookedTask>> ReadAsync(ParseResult line, CancellationToken cancel)
    {
        using StoreTables? tables = await StoreTables.OpenForReadingAsync(StoreUrl.Parse(Common.Settings(line).Store), TaskBook.Scripts, cancel);
        if (tables is null)
        {
            return [];
        }
        using var book = new TaskBook(tables);
        return await book.ListAsync(cancel);
    }
}
