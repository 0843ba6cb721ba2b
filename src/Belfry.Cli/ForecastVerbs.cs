using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Belfry.Server;
using Belfry.Storage;
using Belfry.Storage.Definitions;

namespace Belfry.Cli;

/// <summary><c>belfry why</c> and <c>belfry next</c>: why tasks of .NET applications start or do not, and when they will, from their store.</summary>
static class ForecastVerbs
{
    static readonly Argument<string> Task = new("TASK") { Description = "The task's name" };
    static readonly Option<bool> Json = Common.Json();
    static readonly Option<int> Number = new("-n", "--number") { Description = "How many starts", HelpName = "N", DefaultValueFactory = _ => 20 };

    public static Verb BuildWhy() =>
        new Verb("why", "Why a task starts now or does not: its condition as a tree, with what holds and until when", "belfry why import --store sqlite://tasks.db") { Task, Json }.Does(WhyAsync);

    public static Verb BuildNext() =>
        new Verb("next", "When a task will start, if each of its runs ends well at once and no other task runs", "belfry next import -n 5 --store sqlite://tasks.db") { Task, Number, Json }.Does(NextAsync);

    static async Task<int> WhyAsync(ParseResult line, CancellationToken cancel)
    {
        TaskForecast forecast = await ReadAsync(line, cancel);
        Explanation why = forecast.Why();
        if (line.GetValue(Json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { task = forecast.Task.Name, disabled = forecast.IsDisabled, unknown = forecast.Unknown, why }, JsonSerializerOptions.Web));
        }
        else
        {
            Console.Out.WriteLine(why);
            Tell(forecast);
        }
        return Exits.Done;
    }

    static async Task<int> NextAsync(ParseResult line, CancellationToken cancel)
    {
        TaskForecast forecast = await ReadAsync(line, cancel);
        string[] starts = [.. forecast.Next(line.GetValue(Number)).Select(start => start.ToString())];
        Console.Out.WriteLine(line.GetValue(Json)
            ? JsonSerializer.Serialize(new { task = forecast.Task.Name, disabled = forecast.IsDisabled, unknown = forecast.Unknown, next = starts }, JsonSerializerOptions.Web)
            : starts.Length > 0 ? string.Join('\n', starts) : "not within ten years, if nothing happens");
        Tell(forecast);
        return Exits.Done;
    }

    /// <summary>What makes the answer less than sure.</summary>
    static void Tell(TaskForecast forecast)
    {
        if (forecast.IsDisabled)
        {
            Console.Error.WriteLine("The task is disabled: its condition starts nothing.");
        }
        foreach (string function in forecast.Unknown)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The function '{function}' is known only in {forecast.Task.Process}; here it counts as false."));
        }
    }

    static async Task<TaskForecast> ReadAsync(ParseResult line, CancellationToken cancel)
    {
        BelfrySettings settings = Common.Settings(line);
        StoreUrl url = StoreUrl.Parse(settings.Store);
        string task = line.GetValue(Task)!;
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
