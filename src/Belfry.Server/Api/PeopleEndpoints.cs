using System.Globalization;
using System.Text.Json;
using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary>Users, tokens and the audit, for programs of administrators. They are changed by the pages and by the command.</summary>
static class PeopleEndpoints
{
    static readonly string[] Known = ["who", "what", "q", "since", "limit", "cursor"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder people = routes.MapGroup("/api/v1").RequireScope(Right.Administer);
        people.MapGet("/users", UsersAsync);
        people.MapGet("/tokens", TokensAsync);
        people.MapGet("/audit", AuditAsync);
    }

    static async Task<IResult> UsersAsync(HttpRequest request, [FromServices] AccessStore store, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        AccessList list = await store.ListAsync(cancel);
        return Items(list.Users, null, (json, user) =>
        {
            json.WriteString("name", user.Name);
            json.WriteString("role", Word(user.Role));
            Words(json, "rights", user.Rights.Order());
            JsonFields.Text(json, "email", user.Email);
            json.WriteBoolean("disabled", user.Disabled);
            json.WriteBoolean("sign_on", user.Origin != AccountOrigin.Password);
            JsonFields.At(json, "made", user.Made);
        });
    }

    static async Task<IResult> TokensAsync(HttpRequest request, [FromServices] AccessStore store, CancellationToken cancel)
    {
        if (Parameters.Unknown(request.Query) is { } unknown)
        {
            return Problems.Bad(unknown);
        }
        AccessList list = await store.ListAsync(cancel);
        return Items(list.Tokens, null, (json, token) =>
        {
            json.WriteString("name", token.Name);
            Words(json, "scopes", token.Scopes);
            JsonFields.At(json, "made", token.Made);
            json.WriteString("made_by", token.MadeBy);
            JsonFields.At(json, "expires", token.Expires);
            JsonFields.At(json, "last_used", token.Used);
        });
    }

    static async Task<IResult> AuditAsync(HttpRequest request, [FromServices] AccessStore store, CancellationToken cancel)
    {
        IQueryCollection sent = request.Query;
        FieldProblem? problem = Parameters.Unknown(sent, Known);
        Instant since = Parameters.At(sent, "since", ref problem) ?? default;
        long before = long.MaxValue;
        if (Parameters.Text(sent, "cursor") is { } cursor && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before))
        {
            problem ??= new FieldProblem("cursor", "This is no cursor; take 'next' of the page before.");
        }
        int limit = Parameters.Limit(sent, ref problem);
        if (problem is not null)
        {
            return Problems.Bad(problem);
        }
        var query = new AuditQuery(Parameters.Text(sent, "who"), Parameters.Text(sent, "what"), Parameters.Text(sent, "q"), since, new Instant(before));
        IReadOnlyList<AuditEntry> rows = await store.AuditAsync(query, limit + 1, cancel);
        IReadOnlyList<AuditEntry> page = [.. rows.Take(limit)];
        return Items(page, rows.Count > limit ? page[^1].At.Micros.ToString(CultureInfo.InvariantCulture) : null, (json, row) =>
        {
            JsonFields.At(json, "at", row.At);
            json.WriteString("who", row.Actor.Name);
            json.WriteString("via", row.Actor.Via);
            json.WriteString("address", row.Actor.Address);
            json.WriteString("what", row.What);
            json.WriteString("about", row.About);
            json.WriteString("detail", row.Detail);
        });
    }

    static JsonResult Items<T>(IReadOnlyList<T> items, string? next, Action<Utf8JsonWriter, T> write) => new(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(json, item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("next", next);
        json.WriteEndObject();
    });

    static void Words<T>(Utf8JsonWriter json, string name, IEnumerable<T> values)
        where T : struct, Enum
    {
        json.WriteStartArray(name);
        foreach (T value in values)
        {
            json.WriteStringValue(Word(value));
        }
        json.WriteEndArray();
    }

    static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
