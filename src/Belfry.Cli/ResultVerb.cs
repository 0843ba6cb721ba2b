using System.CommandLine;
using System.Text.Json;
using Belfry.Celery;
using Belfry.Celery.Results;
using Belfry.Server.Api;
using Belfry.Server.Sources;

namespace Belfry.Cli;

/// <summary><c>belfry result</c>: what became of a run.</summary>
static class ResultVerb
{
    static readonly Argument<string> Id = new("id") { Description = "The run's id" };
    static readonly Option<bool> Wait = new("--wait") { Description = "Wait until it has ended" };
    static readonly Option<bool> Json = Common.Json();

    /// <summary>Where it failed is shown, too.</summary>
    public static Option<bool> Traceback { get; } = new("--traceback") { Description = "Show where it failed, too" };

    /// <summary>How long <c>--wait</c> waits.</summary>
    public static Option<double> Timeout { get; } = new("--timeout")
    {
        Description = "Seconds that --wait waits at most", HelpName = "S", DefaultValueFactory = _ => 60,
        Validators = { result => { if (result.Tokens.Count > 0 && result.GetValueOrDefault<double>() is not (>= 0 and <= 86_400)) { result.AddError("--timeout is seconds, from 0 to 86400."); } } },
    };

    public static Verb Build() => new Verb(
        "result", "What became of a run: its result, or its error and exit code 1",
        "belfry result 508a093c-fb4f-4937-acd0-cc8a010ecdfd --broker redis://localhost:6379/0 --result-backend redis://localhost:6379/1",
        "belfry result 508a093c-fb4f-4937-acd0-cc8a010ecdfd --wait --timeout 10 --server http://127.0.0.1:2355 --token T")
        { Id, Wait, Timeout, Traceback, Json, ServerClient.Server, ServerClient.Token }.OnCluster().Does(ReadAsync);

    /// <summary>Asks for the result and prints it.</summary>
    /// <param name="line">The line, which has <see cref="Timeout"/>.</param>
    /// <param name="id">The run's id.</param>
    /// <param name="wait">Wait until it has ended.</param>
    /// <param name="cluster">The cluster, where it was spoken to already; otherwise that of the line, or its server.</param>
    /// <param name="cancel">Stops waiting.</param>
    public static async Task<int> ShowAsync(ParseResult line, string id, bool wait, Cluster? cluster, CancellationToken cancel)
    {
        double seconds = wait ? line.GetValue(Timeout) : 0;
        // The server is given a little longer than it may take.
        using ServerClient? server = ServerClient.Of(line, TimeSpan.FromSeconds(seconds + 10));
        JsonElement answer = server is null
            ? await AskAsync(cluster ?? ClusterOptions.Find(line), id, wait ? TimeSpan.FromSeconds(seconds) : null, cancel)
            : await server.GetAsync(FormattableString.Invariant($"api/v1/runs/{Uri.EscapeDataString(id)}/result?wait={seconds}"), cancel);
        return Print(line, id, wait, answer);
    }

    /// <summary>Where a cluster's results are.</summary>
    /// <exception cref="UsageException">Nobody said.</exception>
    public static IResultBackend BackendOf(Cluster cluster) =>
        cluster.Results ?? throw new UsageException("where are the results? Say --result-backend URL, or Sources:N:ResultBackend in the settings");

    static Task<int> ReadAsync(ParseResult line, CancellationToken cancel) => ShowAsync(line, line.GetValue(Id)!, line.GetValue(Wait), null, cancel);

    static async Task<JsonElement> AskAsync(Cluster cluster, string id, TimeSpan? wait, CancellationToken cancel)
    {
        IResultBackend results = BackendOf(cluster);
        ResultRecord? record = await ClusterOptions.ReachedAsync(async () => wait is { } time
            ? await results.WaitAsync(id, time, cancel)
            : (await results.ReadAsync([id], cancel)).GetValueOrDefault(id));
        return record is null ? default : Answers.Of(json => ResultJson.Write(json, record));
    }

    static int Print(ParseResult line, string id, bool waited, JsonElement answer)
    {
        bool known = answer.ValueKind == JsonValueKind.Object;
        if (known && line.GetValue(Json))
        {
            Answers.Print(answer);
        }
        if (!known || !answer.GetProperty("ended").GetBoolean())
        {
            string state = !known ? "has no result" : Answers.Text(answer, "problem") is { Length: > 0 } problem ? $"cannot be told: {problem}" : $"is {Answers.Text(answer, "state")}";
            Console.Error.WriteLine(waited ? $"belfry: run '{id}' {state} after {line.GetValue(Timeout):0.###} s" : $"belfry: run '{id}' {state}");
            return waited ? Exits.Unreachable : Exits.No;
        }
        if (!line.GetValue(Json))
        {
            Print(answer, line.GetValue(Traceback));
        }
        if (Answers.Text(answer, "problem") is { Length: > 0 } unread)
        {
            Console.Error.WriteLine($"belfry: its result cannot be read: {unread}");
        }
        return Answers.Text(answer, "state") is nameof(RunState.Completed) or nameof(RunState.Skipped) ? Exits.Done : Exits.No;
    }

    static void Print(JsonElement answer, bool traceback)
    {
        // Where it failed ends with what failed.
        string trace = traceback ? Answers.Text(answer, "traceback") : "", error = Answers.Text(answer, "exception");
        string text = trace.Length > 0 ? trace.TrimEnd() : error.Length > 0 ? error
            : answer.TryGetProperty("result", out JsonElement result) ? result.ValueKind == JsonValueKind.Null ? "null" : result.ToString()
            : Answers.Text(answer, "result_text") is { Length: > 0 } told ? told : Answers.Text(answer, "reason");
        Answers.PrintText(text);
    }
}
