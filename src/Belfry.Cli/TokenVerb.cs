using System.CommandLine;
using System.CommandLine.Parsing;
using Belfry.Server;
using Belfry.Server.Access;

namespace Belfry.Cli;

/// <summary><c>belfry token …</c>: what programs may do.</summary>
static class TokenVerb
{
    static readonly Argument<string> Name = new("NAME") { Description = "A name to know it by" };
    static readonly Option<Scope[]> Scopes = new("--scope")
    {
        Description = "What it may do: read, write, run, manage or admin (default: read; repeatable)", DefaultValueFactory = _ => [Scope.Read],
        CustomParser = Common.Named<Scope>,
    };
    static readonly Option<Instant?> Expires = new("--expires") { Description = "When it ends: after a time such as 90d, or at an instant (default: never)", HelpName = "T", CustomParser = ReadEnd };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new("token", "Tokens of programs")
    {
        new Verb("add", "Makes a token: stdout has it, once; the store gets its hash", "belfry token add grafana --expires 365d") { Name, Scopes, Expires }.Does(AddAsync),
        new Verb("list", "Lists the tokens, and when each was last used", "belfry token list") { Json }.Does(ListAsync),
        new Verb("revoke", "Takes a token away; a running server refuses it within a second", "belfry token revoke grafana") { Name }.Does(RevokeAsync),
    };

    static async Task<int> AddAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!, token = TokenHash.NewToken();
        if (Account.ProblemOf(name) is { } problem)
        {
            throw new UsageException(problem);
        }
        var made = new AccessToken { Name = name, Hash = TokenHash.Of(token), Scopes = [.. line.GetValue(Scopes)!.Distinct()], Expires = line.GetValue(Expires) };
        AccountChange done = await StoredAccess.ChangeAsync(line, store => store.AddAsync(made, Actor.Command, cancel), cancel, makes: true);
        StoredAccess.Said(done, "token", name, $"Added {name}: {AccessStore.Named(made.Scopes)}. The token, shown only now:");
        Console.Out.WriteLine(token);
        return Exits.Done;
    }

    static async Task<int> ListAsync(ParseResult line, CancellationToken cancel)
    {
        AccessList? list = await StoredAccess.ReadAsync(line, store => store.ListAsync(cancel), cancel);
        IReadOnlyList<AccessToken> tokens = list?.Tokens ?? [];
        Instant now = Instant.Now(TimeProvider.System);
        if (line.GetValue(Json))
        {
            Answers.Print(tokens.Select(token => new
            {
                name = token.Name, scopes = token.Scopes.Select(scope => scope.ToString().ToLowerInvariant()), made = token.Made.ToString(), made_by = token.MadeBy,
                expires = token.Expires?.ToString(), expired = token.IsOver(now), last_used = token.Used?.ToString(),
            }));
            return Exits.Done;
        }
        Answers.Print(
            ["NAME", "SCOPES", "EXPIRES", "LAST USED", "MADE BY"],
            [.. tokens.Select(token => new[] { token.Name, AccessStore.Named(token.Scopes), token.Expires is { } end ? $"{end}{(token.IsOver(now) ? " (over)" : "")}" : "never", token.Used?.ToString() ?? "never", token.MadeBy })]);
        return Exits.Done;
    }

    static async Task<int> RevokeAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!;
        return StoredAccess.Said(await StoredAccess.ChangeAsync(line, store => store.RevokeAsync(name, Actor.Command, cancel), cancel), "token", name, $"{name} is gone.");
    }

    static Instant? ReadEnd(ArgumentResult words)
    {
        string text = words.Tokens[0].Value;
        Instant now = Instant.Now(TimeProvider.System);
        Instant? end = TimeText.TryParse(text, out TimeSpan span) && !text.Contains('-', StringComparison.Ordinal) ? now + span : Instant.TryParse(text, out Instant at) ? at : null;
        if (end is null || end <= now)
        {
            words.AddError($"'{text}' is no time to come; use 90d or 2027-01-01T00:00:00Z.");
        }
        return end;
    }
}
