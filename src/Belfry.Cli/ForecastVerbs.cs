using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Belfry.Server.Api;
using Belfry.Storage;
using Belfry.Storage.Definitions;

namespace Belfry.Cli;

/// <summary><c>belfry why</c> and <c>belfry next</c>: why tasks of .NET applications start or do not, and when they will, from their store or by a server on it.</summary>
static class ForecastVerbs
{
    const int MostTasks = 1000; // each is asked for by itself
    const string Never = "not within ten years, if nothing happens";

    static readonly Argument<string> Task = new("TASK") { Description = "The task's name" };
    static readonly Argument<string?> OneTask = new("TASK") { Description = "The task's name (default: all of them)", Arity = ArgumentArity.ZeroOrOne };
    static readonly Option<bool> Json = Common.Json();
    static readonly Option<int> Number = new("-n", "--number") { Description = "How many starts, at most 1000", HelpName = "N", DefaultValueFactory = _ => 20 };

    public static Verb BuildWhy() => new Verb(
        "why", "Why a task starts now or does not: its condition as a tree, with what holds and until when",
        "belfry why import --store sqlite://tasks.db", "belfry why import --server http://127.0.0.1:2355 --token T") { Task, Json, ServerClient.Server, ServerClient.Token }.Does(WhyAsync);

    public static Verb BuildNext() => new Verb(
        "next", "When a task will start, or all tasks, if each run ends well at once and no other task runs",
        "belfry next import -n 5 --store sqlite://tasks.db", "belfry next --server http://127.0.0.1:2355 --token T") { OneTask, Number, Json, ServerClient.Server, ServerClient.Token }.Does(NextAsync);

    static async Task<int> WhyAsync(ParseResult line, CancellationToken cancel)
    {
        JsonElement answer = await AskAsync(line, line.GetValue(Task)!, "why", ForecastJson.WriteWhy, cancel);
        return Print(line, answer, Explained(answer.GetProperty("why")).ToString());
    }

    static async Task<int> NextAsync(ParseResult line, CancellationToken cancel)
    {
        int starts = line.GetValue(Number);
        if (starts is < 1 or > ForecastEndpoints.MostStarts)
        {
            throw new UsageException($"-n is a number from 1 to {ForecastEndpoints.MostStarts}");
        }
        if (line.GetValue(OneTask) is not { } task)
        {
            return await AllAsync(line, starts, cancel);
        }
        JsonElement answer = await NextAsync(line, task, starts, cancel);
        string[] next = StartsOf(answer);
        return Print(line, answer, next.Length > 0 ? string.Join('\n', next) : Never);
    }

    static async Task<int> AllAsync(ParseResult line, int starts, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line);
        string[] tasks = [.. (await TasksVerb.KnownAsync(line, server, cancel)).Select(task => Answers.Text(task, "task"))];
        if (tasks.Length is 0 or > MostTasks)
        {
            throw tasks.Length == 0 ? new DeclinedException("no application has registered a task here") : new UsageException($"there are {tasks.Length:N0} tasks: name one");
        }
        var all = new List<(string At, string Task)>();
        foreach (string task in tasks)
        {
            all.AddRange(StartsOf(await NextAsync(line, task, starts, cancel)).Select(at => (at, task)));
        }
        (string At, string Task)[] next = [.. all.OrderBy(start => start.At, StringComparer.Ordinal).ThenBy(start => start.Task, StringComparer.Ordinal).Take(starts)];
        if (line.GetValue(Json))
        {
            Answers.Print(next.Select(start => new { at = start.At, task = start.Task }));
        }
        else if (next.Length == 0)
        {
            Console.Out.WriteLine(Never);
        }
        else
        {
            Answers.Print(["START", "TASK"], [.. next.Select(start => new[] { start.At, start.Task })]);
        }
        return Exits.Done;
    }

    static Task<JsonElement> NextAsync(ParseResult line, string task, int starts, CancellationToken cancel) =>
        AskAsync(line, task, string.Create(CultureInfo.InvariantCulture, $"next?n={starts}"), (json, forecast) => ForecastJson.WriteNext(json, forecast, starts), cancel);

    static string[] StartsOf(JsonElement answer) => [.. answer.GetProperty("next").EnumerateArray().Select(start => start.GetString()!)];

    static int Print(ParseResult line, JsonElement answer, string told)
    {
        if (line.GetValue(Json))
        {
            Answers.Print(answer);
        }
        else
        {
            Console.Out.WriteLine(told);
            Tell(answer);
        }
        return Exits.Done;
    }

    /// <summary>What makes the answer less than sure.</summary>
    static void Tell(JsonElement answer)
    {
        if (answer.GetProperty("disabled").GetBoolean())
        {
            Console.Error.WriteLine("The task is disabled: its condition starts nothing.");
        }
        foreach (JsonElement function in answer.GetProperty("known_only_in_process").EnumerateArray())
        {
            Console.Error.WriteLine($"The function '{function}' is known only in {answer.GetProperty("process")}; here it counts as false.");
        }
    }

    static Explanation Explained(JsonElement why) => new()
    {
        Text = Answers.Text(why, "text"), Holds = why.GetProperty("holds").GetBoolean(), Because = why.GetProperty("because").GetString(),
        NextChange = Instant.TryParse(Answers.Text(why, "until"), out Instant until) ? until : null,
        Parts = [.. why.GetProperty("parts").EnumerateArray().Select(Explained)],
    };

    static async Task<JsonElement> AskAsync(ParseResult line, string task, string question, Action<Utf8JsonWriter, TaskForecast> write, CancellationToken cancel)
    {
        using ServerClient? server = ServerClient.Of(line);
        if (server is not null)
        {
            return await server.GetAsync($"api/v1/tasks/{Uri.EscapeDataString(task)}/{question}", cancel);
        }
        TaskForecast forecast = await ReadAsync(StoreUrl.Parse(Common.Settings(line).Store), task, cancel);
        return Answers.Of(json => write(json, forecast));
    }

    static async Task<TaskForecast> ReadAsync(StoreUrl url, string task, CancellationToken cancel)
    {
        using RunQueries log = await RunQueries.OpenAsync(url, TimeProvider.System, cancel);
        using StoreTables? tables = await StoreTables.OpenForReadingAsync(url, TaskBook.Scripts, cancel);
        TaskForecast? forecast = null;
        if (tables is not null)
        {
            using var book = new TaskBook(tables);
            forecast = await Forecasts.OfAsync(task, book, log, Instant.Now(TimeProvider.System), cancel);
        }
        return forecast ?? throw new DeclinedException($"no application has registered a task '{task}' in {url}");
    }
}
