using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>The audit: who logged in, and who changed what.</summary>
sealed class AuditPages(AccessStore store, PageFrames frames)
{
    const int Rows = 50;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/audit",
        (HttpContext context, [FromServices] AuditPages pages, string? who, string? what, string? q, string? before, CancellationToken cancel) =>
            pages.ShowAsync(context, new AuditQuery(Typed(who), Typed(what), Typed(q), Before: long.TryParse(before, out long at) ? new Instant(at) : null), cancel))
        .RequireRight(Right.Administer);

    async Task<IResult> ShowAsync(HttpContext context, AuditQuery query, CancellationToken cancel)
    {
        IReadOnlyList<AuditEntry> rows = await store.AuditAsync(query, Rows + 1, cancel);
        return AdminEndpoints.Page<AuditPage>(new { View = new AuditView(await frames.ForAsync(context, cancel), query, [.. rows.Take(Rows)], rows.Count > Rows) });
    }

    static string? Typed(string? text) => text?.Trim() is { Length: > 0 } typed ? typed : null;
}

/// <summary>What that page shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Query">Which rows.</param>
/// <param name="Rows">The rows, newest first.</param>
/// <param name="More">There are older ones.</param>
public sealed record AuditView(PageFrame Frame, AuditQuery Query, IReadOnlyList<AuditEntry> Rows, bool More)
{
    /// <summary>The address of a page of these rows.</summary>
    public string Url(Instant? before) => Frame.Url("/audit" + QueryString.Create(
        new Dictionary<string, string?> { ["who"] = Query.Who, ["what"] = Query.What, ["q"] = Query.Text, ["before"] = before?.Micros.ToString() }.Where(field => field.Value is not null)));
}
