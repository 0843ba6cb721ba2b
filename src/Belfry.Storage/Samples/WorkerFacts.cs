namespace Belfry.Storage;

/// <summary>What components of workers tell of their health, as it stands in the log: samples whose subject is the worker's name, a blank and the fact's.</summary>
public static class WorkerFacts
{
    /// <summary>A longer text nobody reads; whoever writes a fact cuts it there.</summary>
    public const int LongestText = 200;

    /// <summary>A fact, for the log.</summary>
    /// <param name="source">Of which source the worker is.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="fact">The component and what it tells: <c>kafka.topic_up</c>.</param>
    /// <param name="at">When it was told.</param>
    /// <param name="value">A number; null for a text.</param>
    /// <param name="text">A text; null for a number.</param>
    public static Sample Sample(string source, string worker, string fact, Instant at, double? value, string? text) =>
        new(source, SampleKinds.WorkerFact, $"{worker} {fact}", at, value, text);

    /// <summary>Those of a source and of a worker; of all where none is named.</summary>
    public static IEnumerable<Sample> Of(IEnumerable<Sample> facts, string? source, string? worker) =>
        facts.Where(fact => (source is null || fact.Source == source) && (worker is null || fact.Subject.StartsWith($"{worker} ", StringComparison.Ordinal)));

    /// <summary>The worker and the fact of which a sample tells.</summary>
    /// <param name="fact">The sample.</param>
    /// <param name="worker">The worker where it is known, because a name may have a blank in it; null where it is not.</param>
    public static (string Worker, string Fact) Parts(Sample fact, string? worker = null)
    {
        int blank = worker?.Length ?? fact.Subject.IndexOf(' ', StringComparison.Ordinal);
        return (fact.Subject[..Math.Max(blank, 0)], fact.Subject[(blank + 1)..]);
    }
}
