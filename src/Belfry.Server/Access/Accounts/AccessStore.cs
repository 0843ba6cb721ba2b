using System.Globalization;
using Belfry.Storage;

namespace Belfry.Server.Access;

/// <summary>Accounts, tokens and the audit as they stand in the store. Each change leaves its row in the audit, in the same transaction.</summary>
sealed class AccessStore(StoreTables tables, TimeProvider clock)
{
    const string UserColumns = "name, hash, role, email, purge, del, disabled, stamp, origin, subject, made";
    const string CountUp = "UPDATE access_change SET number = number + 1";
    const string AdminsBesides = "SELECT count(*) FROM access_user WHERE role = $1 AND disabled = 0 AND name <> $2";

    /// <summary>The room's tables.</summary>
    public static TableScripts Scripts { get; } = new("access", typeof(AccessStore).Assembly, ".Access.Schema.");

    /// <summary>Counted up with each change of accounts and tokens.</summary>
    public Task<long> NumberAsync(CancellationToken cancel) => tables.ReadAsync(Number, cancel);

    /// <summary>All accounts and tokens.</summary>
    public Task<AccessList> ListAsync(CancellationToken cancel) => tables.ReadAsync(
        session => new AccessList(
            Number(session),
            session.Read($"SELECT {UserColumns} FROM access_user ORDER BY name", ReadUser),
            session.Read("SELECT name, hash, scopes, made, made_by, expires, used FROM access_token ORDER BY name", ReadToken)),
        cancel);

    /// <summary>Adds an account.</summary>
    public Task<AccountChange> AddAsync(Account user, Actor actor, CancellationToken cancel) => ChangeAsync(session => Add(session, user, actor), cancel);

    /// <summary>Adds an account if there is no administrator yet: the first one makes himself.</summary>
    public Task<AccountChange> AddFirstAsync(Account user, Actor actor, CancellationToken cancel) =>
        ChangeAsync(session => IsLastAdmin(session, "") ? Add(session, user, actor) : AccountChange.Taken, cancel);

    /// <summary>Changes what stands in an account; not its password.</summary>
    /// <param name="name">Whose.</param>
    /// <param name="change">What becomes of it.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="keepAdmin">Decline what would leave no administrator.</param>
    /// <param name="cancel">Stops it.</param>
    public Task<AccountChange> ChangeAsync(string name, Func<Account, Account> change, Actor actor, bool keepAdmin, CancellationToken cancel) => ChangeAsync(session =>
    {
        if (Find(session, name) is not { } before)
        {
            return AccountChange.Unknown;
        }
        Account after = change(before);
        if (keepAdmin && IsAdmin(before) && !IsAdmin(after) && IsLastAdmin(session, name))
        {
            return AccountChange.LastAdmin;
        }
        if (after == before)
        {
            return AccountChange.Done;
        }
        session.Run(
            "UPDATE access_user SET role = $2, email = $3, purge = $4, del = $5, disabled = $6, origin = $7, subject = $8 WHERE name = $1",
            name, (int)after.Role, after.Email, Grant(after.Purge), Grant(after.Delete), after.Disabled ? 1 : 0, (int)after.Origin, after.Subject);
        return Done(session, actor, "user.change", name, $"{Described(before)} → {Described(after)}");
    }, cancel);

    /// <summary>Sets a password; sessions that bear another stamp are over.</summary>
    public Task<AccountChange> SetPasswordAsync(string name, string hash, string stamp, Actor actor, CancellationToken cancel) => ChangeAsync(
        session => session.Run("UPDATE access_user SET hash = $2, stamp = $3 WHERE name = $1", name, hash, stamp) == 0
            ? AccountChange.Unknown
            : Done(session, actor, "user.password", name, ""),
        cancel);

    /// <summary>Ends all sessions of an account.</summary>
    public Task<AccountChange> EndSessionsAsync(string name, Actor actor, CancellationToken cancel) => ChangeAsync(
        session => session.Run("UPDATE access_user SET stamp = $2 WHERE name = $1", name, Secrets.New()) == 0
            ? AccountChange.Unknown
            : Done(session, actor, "user.logout", name, "everywhere"),
        cancel);

    /// <summary>Takes an account away.</summary>
    public Task<AccountChange> RemoveAsync(string name, Actor actor, bool keepAdmin, CancellationToken cancel) => ChangeAsync(session =>
    {
        if (Find(session, name) is not { } gone)
        {
            return AccountChange.Unknown;
        }
        if (keepAdmin && IsAdmin(gone) && IsLastAdmin(session, name))
        {
            return AccountChange.LastAdmin;
        }
        session.Run("DELETE FROM access_user WHERE name = $1", name);
        return Done(session, actor, "user.remove", name, Described(gone));
    }, cancel);

    /// <summary>Adds a token.</summary>
    public Task<AccountChange> AddAsync(AccessToken token, Actor actor, CancellationToken cancel) => ChangeAsync(session =>
    {
        int added = session.Run(
            "INSERT INTO access_token(name, hash, scopes, made, made_by, expires) VALUES($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            token.Name, token.Hash, Named(token.Scopes), Instant.Now(clock).Micros, actor.Name, token.Expires?.Micros);
        string end = token.Expires is { } expires ? $", until {expires}" : "";
        return added == 0 ? AccountChange.Taken : Done(session, actor, "token.add", token.Name, Named(token.Scopes) + end);
    }, cancel);

    /// <summary>Takes a token away.</summary>
    public Task<AccountChange> RevokeAsync(string name, Actor actor, CancellationToken cancel) => ChangeAsync(
        session => session.Run("DELETE FROM access_token WHERE name = $1", name) == 0 ? AccountChange.Unknown : Done(session, actor, "token.revoke", name, ""), cancel);

    /// <summary>Writes what happened since, and when tokens were last used.</summary>
    public Task WriteAsync(IReadOnlyList<AuditEntry> entries, IReadOnlyDictionary<string, Instant> used, CancellationToken cancel) => tables.WriteAsync(session =>
    {
        foreach (AuditEntry entry in entries)
        {
            Audits.Add(session, entry);
        }
        foreach ((string hash, Instant at) in used)
        {
            session.Run("UPDATE access_token SET used = $2 WHERE hash = $1", hash, at.Micros);
        }
        return entries.Count;
    }, cancel);

    /// <summary>The audit, newest first.</summary>
    public Task<IReadOnlyList<AuditEntry>> AuditAsync(AuditQuery query, int limit, CancellationToken cancel) => tables.ReadAsync(session => Audits.Read(session, query, limit), cancel);

    /// <summary>Deletes what is older, a piece at a time.</summary>
    public async Task<int> ForgetAuditAsync(Instant before, CancellationToken cancel)
    {
        int all = 0, some;
        do
        {
            some = await tables.WriteAsync(session => Audits.Forget(session, before), cancel);
            all += some;
        }
        while (some > 0);
        return all;
    }

    /// <summary>The keys that seal sessions and forms.</summary>
    public Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancel) => tables.ReadAsync(session => session.Read("SELECT xml FROM access_key ORDER BY id", row => row.Text(0)), cancel);

    /// <summary>Adds such a key.</summary>
    public Task AddKeyAsync(string id, string xml, CancellationToken cancel) => tables.WriteAsync(
        session => session.Run("INSERT INTO access_key(id, xml) VALUES($1, $2) ON CONFLICT(id) DO UPDATE SET xml = excluded.xml", id, xml), cancel);

    /// <summary>Scopes as they are stored and written.</summary>
    public static string Named(IEnumerable<Scope> scopes) => string.Join(' ', scopes.Distinct().Order().Select(scope => scope.ToString().ToLowerInvariant()));

    Task<AccountChange> ChangeAsync(Func<ITableSession, AccountChange> change, CancellationToken cancel) => tables.WriteAsync(change, cancel);

    AccountChange Add(ITableSession session, Account user, Actor actor)
    {
        int added = session.Run(
            $"INSERT INTO access_user({UserColumns}) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
            user.Name, user.Hash, (int)user.Role, user.Email, Grant(user.Purge), Grant(user.Delete), user.Disabled ? 1 : 0, user.Stamp, (int)user.Origin, user.Subject,
            Instant.Now(clock).Micros);
        return added == 0 ? AccountChange.Taken : Done(session, actor, "user.add", user.Name, Described(user));
    }

    AccountChange Done(ITableSession session, Actor actor, string what, string about, string detail)
    {
        Audits.Add(session, new AuditEntry(Instant.Now(clock), actor, what, about, detail));
        session.Run(CountUp);
        return AccountChange.Done;
    }

    static long Number(ITableSession session) => session.Read("SELECT number FROM access_change WHERE id = 1", row => row.Number(0))[0];

    static Account? Find(ITableSession session, string name) =>
        session.Read($"SELECT {UserColumns} FROM access_user WHERE name = $1", ReadUser, name) is [var found] ? found : null;

    static bool IsAdmin(Account user) => user is { Role: Role.Admin, Disabled: false };

    static bool IsLastAdmin(ITableSession session, string name) => session.Read(AdminsBesides, row => row.Number(0), (int)Role.Admin, name) is [0];

    static string Described(Account user) => string.Create(
        CultureInfo.InvariantCulture,
        $"{user.Role.ToString().ToLowerInvariant()}{Said(user.Purge, "purge")}{Said(user.Delete, "delete")}{(user.Disabled ? ", disabled" : "")}{(user.Email is null ? "" : $", {user.Email}")}{(user.Origin == AccountOrigin.Password ? "" : ", single sign-on")}");

    static string Said(bool? given, string right) => given switch { true => $", may {right}", false => $", may not {right}", _ => "" };

    static int? Grant(bool? given) => given is { } yes ? yes ? 1 : 0 : null;

    static bool? Grant(long? stored) => stored is { } number ? number != 0 : null;

    static Account ReadUser(ITableRow row) => new()
    {
        Name = row.Text(0), Hash = row.TextOrNull(1), Role = (Role)row.Number(2), Email = row.TextOrNull(3), Purge = Grant(row.NumberOrNull(4)), Delete = Grant(row.NumberOrNull(5)),
        Disabled = row.Number(6) != 0, Stamp = row.Text(7), Origin = (AccountOrigin)row.Number(8), Subject = row.TextOrNull(9), Made = new Instant(row.Number(10)),
    };

    static AccessToken ReadToken(ITableRow row) => new()
    {
        Name = row.Text(0), Hash = row.Text(1), Scopes = [.. row.Text(2).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(scope => Enum.Parse<Scope>(scope, ignoreCase: true))],
        Made = new Instant(row.Number(3)), MadeBy = row.Text(4), Expires = At(row.NumberOrNull(5)), Used = At(row.NumberOrNull(6)),
    };

    static Instant? At(long? micros) => micros is { } number ? new Instant(number) : null;
}

/// <summary>What became of a change.</summary>
enum AccountChange
{
    /// <summary>Done.</summary>
    Done,

    /// <summary>The name is taken.</summary>
    Taken,

    /// <summary>There is none of that name.</summary>
    Unknown,

    /// <summary>Declined: nobody would be left who may administer.</summary>
    LastAdmin,
}

/// <summary>All accounts and tokens, as they were at one moment.</summary>
/// <param name="Number">Counted up with each change.</param>
/// <param name="Users">Accounts, by name.</param>
/// <param name="Tokens">Tokens, by name.</param>
sealed record AccessList(long Number, IReadOnlyList<Account> Users, IReadOnlyList<AccessToken> Tokens)
{
    readonly Dictionary<string, Account> _byName = Users.ToDictionary(user => user.Name);
    readonly Dictionary<string, AccessToken> _byHash = Tokens.ToDictionary(token => token.Hash);

    /// <summary>Somebody may administer.</summary>
    public bool HasAdmin => Users.Any(user => user is { Role: Role.Admin, Disabled: false });

    /// <summary>The account of that name.</summary>
    public Account? User(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The account of somebody who comes by single sign-on.</summary>
    public Account? Subject(string subject) => Users.FirstOrDefault(user => user.Subject == subject);

    /// <summary>The token of that hash: what is looked for is a digest, so the time taken tells nothing of the token.</summary>
    public AccessToken? Token(string hash) => _byHash.GetValueOrDefault(hash);
}
