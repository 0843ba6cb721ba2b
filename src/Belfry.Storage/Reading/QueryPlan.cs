namespace Belfry.Storage;

/// <summary>How a query of tasks is asked of the log: what its indexes serve goes into the filter, the rest is looked at run by run. Pure.</summary>
static class QueryPlan
{
    /// <summary>The one id that is wanted; null where the query does not say.</summary>
    public static string? Id(RunQuery query) => Names(query, nameof(RunFields.Id)) is [var id] ? id : null;

    /// <summary>Lets through all that matches, and not much more.</summary>
    public static RunFilter Filter(RunQuery query) => new()
    {
        Tasks = Names(query, nameof(RunFields.Task)),
        Sources = Names(query, nameof(RunFields.Source)),
        Workers = Names(query, nameof(RunFields.Worker)),
        Queues = Names(query, nameof(RunFields.Queue)),
        States = [.. OneOf(query, nameof(RunFields.State)).Cast<RunState>()],
        From = Bounds(query, RunComparison.AtLeast, RunComparison.Greater, RunComparison.Between, 0).Max(),
        To = Bounds(query, RunComparison.AtMost, RunComparison.Less, RunComparison.Between, 1).Min() is { } last ? new Instant(last.Micros + 1) : null,
    };

    /// <summary>Names as a filter has them: one with an asterisk would stand for others, so it is left to the look at each run.</summary>
    static string[] Names(RunQuery query, string field)
    {
        string[] names = [.. OneOf(query, field).Cast<string>()];
        return Array.Exists(names, name => name.Contains('*', StringComparison.Ordinal)) ? [] : names;
    }

    static IReadOnlyList<object> OneOf(RunQuery query, string field) =>
        query.Terms.FirstOrDefault(term => term.Field == field && (term.Comparison is RunComparison.Equal or RunComparison.In))?.Values ?? [];

    static IEnumerable<Instant?> Bounds(RunQuery query, RunComparison with, RunComparison without, RunComparison between, int place) =>
        from term in query.Terms
        where term.Field == nameof(RunFields.At) && (term.Comparison == with || term.Comparison == without || term.Comparison == between)
        select (Instant?)(Instant)term.Values[term.Comparison == between ? place : 0];
}
