using System.CommandLine;
using Belfry.Server.Access;
using Belfry.Server.Alerts;

namespace Belfry.Cli;

/// <summary><c>belfry user …</c>: who may log in, and what they may do.</summary>
static class UserVerb
{
    static readonly Argument<string> Name = new("NAME") { Description = "The name at the login" };
    static readonly Option<Role> NewRole = new("--role")
    {
        Description = "What the user may do: viewer, operator or admin (default: viewer)", DefaultValueFactory = _ => Role.Viewer,
        CustomParser = words => Common.Named<Role>(words).FirstOrDefault(),
    };
    static readonly Option<Role?> OtherRole = new("--role")
    {
        Description = "viewer, operator or admin", CustomParser = words => Common.Named<Role>(words) is [var role, ..] ? role : null,
    };
    static readonly Option<string?> Email = new("--email")
    {
        Description = "Where mail reaches the user; \"\" for nowhere", HelpName = "ADDRESS",
        Validators = { result => { if (result.GetValueOrDefault<string>() is { Length: > 0 } text && !AlertSettings.IsAddress(text)) { result.AddError($"--email: '{text}' is no address."); } } },
    };
    static readonly Option<bool> SignOn = new("--sign-on") { Description = "Without a password: the user comes by single sign-on, under this name" };
    static readonly Option<Grantable[]> Grant = Grants("--grant", "May do this, whatever the role says: purge or delete (repeatable)");
    static readonly Option<Grantable[]> Deny = Grants("--deny", "May not do this, whatever the role says: purge or delete (repeatable)");
    static readonly Option<Grantable[]> ByRole = Grants("--by-role", "May do this as the role says: purge or delete (repeatable)");
    static readonly Option<bool> Disable = new("--disable") { Description = "May not log in for now" };
    static readonly Option<bool> Enable = new("--enable") { Description = "May log in again" };
    static readonly Option<string?> PasswordFile = new("--password-file") { Description = "The file whose first line is the password (default: it is asked for, or read from stdin)", HelpName = "FILE" };
    static readonly Option<bool> Json = Common.Json();

    public static Verb Build() => new("user", "Users of the pages, and what they may do")
    {
        new Verb("add", "Adds a user; a running server knows them within a second", "belfry user add mara --role admin", "belfry user add ines --sign-on --role operator --grant purge")
        {
            Name, NewRole, Email, SignOn, Grant, Deny, PasswordFile,
        }.Does(AddAsync),
        new Verb("list", "Lists the users", "belfry user list") { Json }.Does(ListAsync),
        new Verb("passwd", "Sets another password, and ends the user's sessions", "belfry user passwd mara") { Name, PasswordFile }.Does(ChangePasswordAsync),
        new Verb("set", "Changes what a user may do", "belfry user set mara --role operator --grant delete", "belfry user set mara --disable")
        {
            Name, OtherRole, Email, Grant, Deny, ByRole, Disable, Enable,
        }.Does(SetAsync),
        new Verb("logout", "Ends all sessions of a user", "belfry user logout mara") { Name }.Does((line, cancel) =>
            ChangeAsync(line, (store, name) => store.EndSessionsAsync(name, Actor.Command, cancel), "All sessions of {0} are over.", cancel)),
        new Verb("remove", "Takes a user away", "belfry user remove mara") { Name }.Does((line, cancel) =>
            ChangeAsync(line, (store, name) => store.RemoveAsync(name, Actor.Command, keepAdmin: false, cancel), "{0} is gone.", cancel)),
    };

    static async Task<int> AddAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!;
        if (Account.ProblemOf(name) is { } problem)
        {
            throw new UsageException(problem);
        }
        bool signOn = line.GetValue(SignOn);
        var user = new Account
        {
            Name = name, Role = line.GetValue(NewRole), Email = line.GetValue(Email) is { Length: > 0 } email ? email : null, Stamp = Secrets.New(), Origin = signOn ? AccountOrigin.Invited : AccountOrigin.Password,
            Purge = Granted(line, Grantable.Purge, null), Delete = Granted(line, Grantable.Delete, null),
            Hash = signOn ? null : Passwords.Hash(await PasswordPrompt.NewAsync(line.GetValue(PasswordFile), name, cancel)),
        };
        AccountChange done = await StoredAccess.ChangeAsync(line, store => store.AddAsync(user, Actor.Command, cancel), cancel, makes: true);
        return StoredAccess.Said(done, "user", name, $"Added {name}, {user.Role.ToString().ToLowerInvariant()}.");
    }

    static async Task<int> ListAsync(ParseResult line, CancellationToken cancel)
    {
        AccessList? list = await StoredAccess.ReadAsync(line, store => store.ListAsync(cancel), cancel);
        IReadOnlyList<Account> users = list?.Users ?? [];
        if (line.GetValue(Json))
        {
            Answers.Print(users.Select(user => new
            {
                name = user.Name, role = Word(user.Role), email = user.Email, rights = user.Rights.Order().Select(right => Word(right)), disabled = user.Disabled,
                sign_on = user.Origin != AccountOrigin.Password, made = user.Made.ToString(),
            }));
            return Exits.Done;
        }
        Answers.Print(
            ["NAME", "ROLE", "PURGE", "DELETE", "LOGIN", "EMAIL"],
            [.. users.Select(user => new[] { user.Name, Word(user.Role), May(user, Right.Purge), May(user, Right.Delete), user.Disabled ? "disabled" : user.Origin == AccountOrigin.Password ? "password" : "sign-on", user.Email ?? "" })]);
        return Exits.Done;
    }

    static async Task<int> ChangePasswordAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!, hash = Passwords.Hash(await PasswordPrompt.NewAsync(line.GetValue(PasswordFile), name, cancel));
        return await ChangeAsync(line, (store, user) => store.SetPasswordAsync(user, hash, Secrets.New(), Actor.Command, cancel), "The password of {0} is another one, and all sessions are over.", cancel);
    }

    static Task<int> SetAsync(ParseResult line, CancellationToken cancel) => ChangeAsync(
        line,
        (store, name) => store.ChangeAsync(
            name,
            user => user with
            {
                Role = line.GetValue(OtherRole) ?? user.Role, Email = line.GetValue(Email) is not { } email ? user.Email : email.Length > 0 ? email : null,
                Purge = Granted(line, Grantable.Purge, user.Purge), Delete = Granted(line, Grantable.Delete, user.Delete),
                Disabled = line.GetValue(Disable) || (user.Disabled && !line.GetValue(Enable)),
            },
            Actor.Command, keepAdmin: false, cancel),
        "{0} is changed.", cancel);

    static async Task<int> ChangeAsync(ParseResult line, Func<AccessStore, string, Task<AccountChange>> change, string word, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!;
        return StoredAccess.Said(await StoredAccess.ChangeAsync(line, store => change(store, name), cancel), "user", name, string.Format(System.Globalization.CultureInfo.InvariantCulture, word, name));
    }

    static bool? Granted(ParseResult line, Grantable right, bool? before) =>
        line.GetValue(Deny)!.Contains(right) ? false : line.GetValue(Grant)!.Contains(right) ? true : line.GetValue(ByRole)?.Contains(right) == true ? null : before;

    static Option<Grantable[]> Grants(string name, string description) => new(name) { Description = description, DefaultValueFactory = _ => [], CustomParser = Common.Named<Grantable> };

    static string May(Account user, Right right) => user.Rights.Contains(right) ? "yes" : "no";

    static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>What is given or taken user by user.</summary>
    enum Grantable
    {
        Purge,
        Delete,
    }
}
