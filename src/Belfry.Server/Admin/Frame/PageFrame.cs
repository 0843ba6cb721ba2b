using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>What every page knows about where it stands.</summary>
/// <param name="Root">The path under which the pages are mounted, without a slash at its end.</param>
/// <param name="Assets">The path of the styles and scripts, with their version, without a slash at its end.</param>
/// <param name="Site">The name of this installation.</param>
/// <param name="Theme"><c>light</c>, <c>dark</c>, or empty for the system's.</param>
/// <param name="Clock">Now and the zone.</param>
/// <param name="Pulse">When the last event came.</param>
/// <param name="Visitor">Who is logged in; empty when nobody has to.</param>
/// <param name="Form">What a form of ours bears, so that none of another site is taken for it.</param>
/// <param name="Rights">What they may do; null for nothing but looking.</param>
public sealed record PageFrame(
    string Root, string Assets, string Site, string Theme, SiteClock Clock, Pulse Pulse, string Visitor = "", string Form = "", IReadOnlySet<Right>? Rights = null)
{
    /// <summary>From when on open runs are overdue.</summary>
    public OverdueSettings Overdue { get; init; } = new();

    /// <summary>They may do that.</summary>
    public bool May(Right right) => Rights?.Contains(right) == true;

    /// <summary>The address of a page.</summary>
    public string Url(string path) => Root + path;

    /// <summary>The address of a run's page.</summary>
    public string RunUrl(TaskRun run) => RunUrl(run.Id, run.Source, run.State == RunState.Retried ? run.Attempt : null);

    /// <summary>The address of a run's page.</summary>
    public string RunUrl(string id, string source, int? attempt = null) =>
        $"{Root}/runs/{Uri.EscapeDataString(id)}?source={Uri.EscapeDataString(source)}" + (attempt is null ? "" : $"&attempt={attempt}");

    /// <summary>The address of an icon.</summary>
    public string Icon(string name) => $"{Assets}/icons.svg#{name}";
}

/// <summary>When the last event came, and what is wrong with a source.</summary>
/// <param name="Last">Arrival of the last event; null before the first.</param>
/// <param name="Source">The source to name when it is stale.</param>
/// <param name="Problem">What is wrong with a source now; null when all is well.</param>
public sealed record Pulse(Instant? Last, string? Source, string? Problem)
{
    /// <summary>After how long without an event the bar turns amber.</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(60);

    /// <summary>The bar is amber.</summary>
    public bool Stale(Instant now) => Problem is not null || (Last is { } last && now - last > StaleAfter);

    /// <summary>What the sources say, the one with a problem first.</summary>
    public static Pulse Of(IReadOnlyList<SourceStatus> sources, Instant? fed)
    {
        SourceStatus? ill = sources.FirstOrDefault(source => source.Problem is not null);
        SourceStatus? latest = sources.Where(source => source.LastEvent is not null).MaxBy(source => source.LastEvent!.Value.Micros);
        Instant? last = (latest?.LastEvent, fed) is ({ } a, { } b) ? Instant.Max(a, b) : latest?.LastEvent ?? fed;
        return new Pulse(last, (ill ?? latest)?.Name, ill?.Problem);
    }
}
