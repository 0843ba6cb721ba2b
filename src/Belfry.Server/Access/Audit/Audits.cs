using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>Who does something, and how they came.</summary>
/// <param name="Name">The user's or token's name, or the account on the machine.</param>
/// <param name="Via">How they came: <c>session</c>, <c>token</c>, <c>proxy</c>, <c>command</c>, <c>link</c>, <c>sign-on</c>, <c>server</c>.</param>
/// <param name="Address">From where.</param>
public sealed record Actor(string Name, string Via, string Address)
{
    /// <summary>Somebody at this machine's command line.</summary>
    public static Actor Command { get; } = new($"{Environment.UserName}@{Environment.MachineName}", "command", "");

    /// <summary>The server itself.</summary>
    public static Actor Server { get; } = new("belfry", "server", "");
}

/// <summary>A row of the audit.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who, how, from where.</param>
/// <param name="What">What: <c>login</c>, <c>user.add</c> …</param>
/// <param name="About">Which user, which token.</param>
/// <param name="Detail">More of it; never a secret.</param>
public sealed record AuditEntry(Instant At, Actor Actor, string What, string About, string Detail);

/// <summary>Which rows of the audit.</summary>
/// <param name="Who">By whom; a part of the name.</param>
/// <param name="What">What; its begin: <c>user</c> is all that happened to users.</param>
/// <param name="Text">A part of what it is about, of its detail or its address.</param>
/// <param name="Since">From then on.</param>
/// <param name="Before">Older than that: where the page before ended.</param>
public sealed record AuditQuery(string? Who = null, string? What = null, string? Text = null, Instant? Since = null, Instant? Before = null);

/// <summary>The rows of the audit in the store.</summary>
static class Audits
{
    // Deleted at once: less than a tenth of a second.
    const int Piece = 2000;

    // Both sides by the store's own rule: SQLite knows small letters of ASCII only, and would find no name that begins with another capital.
    const string Page = """
        SELECT at, who, via, address, what, about, detail FROM access_audit
        WHERE at >= $1 AND at < $2 AND lower(who) LIKE lower($3) ESCAPE '\' AND what LIKE lower($4) ESCAPE '\'
          AND (lower(about) LIKE lower($5) ESCAPE '\' OR lower(detail) LIKE lower($5) ESCAPE '\' OR lower(address) LIKE lower($5) ESCAPE '\')
        ORDER BY at DESC LIMIT $6
        """;

    // Two things at one instant: the later one gets the next microsecond that is free behind all others.
    const string Next = "SELECT max(at) + 1 FROM access_audit WHERE at >= $1";

    public static void Add(ITableSession session, AuditEntry entry)
    {
        long at = session.Read(Next, row => row.NumberOrNull(0), entry.At.Micros) is [{ } next] ? next : entry.At.Micros;
        session.Run(
            "INSERT INTO access_audit(at, who, via, address, what, about, detail) VALUES($1, $2, $3, $4, $5, $6, $7)",
            at, entry.Actor.Name, entry.Actor.Via, entry.Actor.Address, entry.What, entry.About, entry.Detail);
    }

    public static IReadOnlyList<AuditEntry> Read(ITableSession session, AuditQuery query, int limit) => session.Read(
        Page,
        row => new AuditEntry(new Instant(row.Number(0)), new Actor(row.Text(1), row.Text(2), row.Text(3)), row.Text(4), row.Text(5), row.Text(6)),
        query.Since?.Micros ?? long.MinValue, query.Before?.Micros ?? long.MaxValue, $"%{Escaped(query.Who)}%", $"{Escaped(query.What)}%", $"%{Escaped(query.Text)}%", limit);

    public static int Forget(ITableSession session, Instant before) => session.Run(
        "DELETE FROM access_audit WHERE at IN (SELECT at FROM access_audit WHERE at < $1 ORDER BY at LIMIT $2)", before.Micros, Piece);

    static string Escaped(string? text) => (text ?? "").Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_");
}
