using System.CommandLine;
using System.CommandLine.Parsing;
using Belfry.Server;
using Belfry.Server.Access;

namespace Belfry.Cli;

/// <summary><c>belfry audit</c>: who changed what, when and from where.</summary>
static class AuditVerb
{
    static readonly Option<string?> Who = new("--who") { Description = "Only what this user, token or account did; a part of the name is enough", HelpName = "NAME" };
    static readonly Option<string?> What = new("--what") { Description = "Only this: login, user, user.add, token … (its begin is enough)", HelpName = "WHAT" };
    static readonly Option<string?> Text = new("--search") { Description = "Only rows with this text in what they are about, in their detail or address", HelpName = "TEXT" };
    static readonly Option<Instant?> Since = new("--since") { Description = "Only from then on: a time ago such as 7d, or an instant", HelpName = "T", CustomParser = ReadSince };
    static readonly Option<int> Limit = new("--limit") { Description = "How many rows at most (default: 100)", DefaultValueFactory = _ => 100, HelpName = "N" };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new Verb(
        "audit", "Who logged in, and who changed what: newest first", "belfry audit --since 7d", "belfry audit --what user --who mara --json")
    {
        Who, What, Text, Since, Limit, Json,
    }.Does(ListAsync);

    static async Task<int> ListAsync(ParseResult line, CancellationToken cancel)
    {
        var query = new AuditQuery(line.GetValue(Who), line.GetValue(What), line.GetValue(Text), line.GetValue(Since));
        IReadOnlyList<AuditEntry> rows = await StoredAccess.ReadAsync(line, store => store.AuditAsync(query, Math.Max(1, line.GetValue(Limit)), cancel), cancel) ?? [];
        if (line.GetValue(Json))
        {
            Answers.Print(rows.Select(row => new
            {
                at = row.At.ToString(), who = row.Actor.Name, via = row.Actor.Via, address = row.Actor.Address, what = row.What, about = row.About, detail = row.Detail,
            }));
            return Exits.Done;
        }
        Answers.Print(
            ["AT", "WHO", "VIA", "FROM", "WHAT", "ABOUT", "DETAIL"],
            [.. rows.Select(row => new[] { row.At.ToString(), row.Actor.Name, row.Actor.Via, row.Actor.Address, row.What, row.About, row.Detail })]);
        return Exits.Done;
    }

    static Instant? ReadSince(ArgumentResult words)
    {
        string text = words.Tokens[0].Value;
        Instant? since = Instant.TryParse(text, out Instant at) && text.Contains('-', StringComparison.Ordinal) ? at
            : TimeText.TryParse(text, out TimeSpan span) ? Instant.Now(TimeProvider.System) - span : null;
        if (since is null)
        {
            words.AddError($"'{text}' is no time; use 7d or 2026-11-01T00:00:00Z.");
        }
        return since;
    }
}
