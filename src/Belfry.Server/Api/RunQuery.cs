using System.Diagnostics.CodeAnalysis;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Api;

/// <summary>What a request asks of the log: its parameters, understood.</summary>
sealed record RunQuery(RunFilter Filter, int Limit, string? Cursor)
{
    static readonly string[] Filters = ["q", "task", "app", "state", "source", "worker", "queue", "exception", "from", "to", "min_runtime"];
    static readonly string[] Paging = ["limit", "cursor", "overdue"];

    /// <summary>Reads the parameters. Whatever is not understood is a problem, never passed over: a misspelt filter would show everything.</summary>
    public static bool TryRead(IQueryCollection sent, bool paged, [NotNullWhen(true)] out RunQuery? query, [NotNullWhen(false)] out FieldProblem? problem, OverdueAt? overdue = null)
    {
        string[] known = paged ? [.. Filters, .. Paging] : Filters;
        problem = Parameters.Unknown(sent, known);
        string? text = Parameters.Text(sent, "q");
        problem ??= RunFilter.MistakeIn(text) is { } mistake ? new FieldProblem("q", mistake.Message) : null;
        string? late = Parameters.Text(sent, "overdue");
        string? search = late is null || overdue is not { } limits ? null : Overdue.Search(late, limits.Limits, limits.Now);
        problem ??= late is not null && search is null ? new FieldProblem("overdue", $"'{late}' is not known; known are {Overdue.Stuck} and {Overdue.Long}.") : null;
        var filter = new RunFilter
        {
            Text = search is null ? text : text is null ? search : $"({text}) {search}",
            Tasks = Parameters.List(sent["task"]), Apps = Parameters.List(sent["app"]), Sources = Parameters.List(sent["source"]), Workers = Parameters.List(sent["worker"]),
            Queues = Parameters.List(sent["queue"]), Exceptions = Parameters.List(sent["exception"]), States = States(Parameters.List(sent["state"]), ref problem),
            From = Parameters.At(sent, "from", ref problem), To = Parameters.At(sent, "to", ref problem), MinRuntime = Parameters.Seconds(sent, "min_runtime", ref problem),
        };
        int limit = Parameters.Limit(sent, ref problem);
        query = problem is null ? new RunQuery(filter, limit, Parameters.Text(sent, "cursor")) : null;
        return query is not null;
    }

    static List<RunState> States(string[] names, ref FieldProblem? problem)
    {
        var states = new List<RunState>();
        foreach (string name in names)
        {
            if (RunStates.TryParse(name, out RunState state))
            {
                states.Add(state);
            }
            else
            {
                problem ??= new FieldProblem("state", $"'{name}' is no state; known are {string.Join(", ", RunStates.All)} and the names other systems have for them.");
            }
        }
        return states;
    }
}
