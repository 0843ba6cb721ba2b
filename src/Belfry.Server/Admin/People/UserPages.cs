using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Users: a list, a form for another one, and a page for each.</summary>
sealed class UserPages(AccessStore store, AccountBook book, ClientAddress addresses, PageFrames frames)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder users = routes.MapGroup("/users").RequireRight(Right.Administer);
        users.MapGet("", (HttpContext context, [FromServices] UserPages pages, string? added, string? removed, CancellationToken cancel) =>
            pages.ListAsync(context, added is not null ? $"Added {added}." : removed is not null ? $"{removed} is gone." : null, null, UserDraft.New, cancel));
        users.MapPost("", (HttpContext context, [FromServices] UserPages pages, CancellationToken cancel) => pages.AddAsync(context, cancel)).WithForm();
        users.MapGet("/edit", (HttpContext context, [FromServices] UserPages pages, string? name, string? said, CancellationToken cancel) =>
            pages.ShowAsync(context, name ?? "", Words(said), null, cancel));
        users.MapPost("/change", (HttpContext context, [FromServices] UserPages pages, CancellationToken cancel) => pages.ChangeAsync(context, "changed", pages.ApplyAsync, cancel)).WithForm();
        users.MapPost("/password", (HttpContext context, [FromServices] UserPages pages, CancellationToken cancel) => pages.ChangeAsync(context, "password", pages.SetPasswordAsync, cancel)).WithForm();
        users.MapPost("/logout", (HttpContext context, [FromServices] UserPages pages, CancellationToken cancel) => pages.ChangeAsync(context, "logout", pages.LogOutAsync, cancel)).WithForm();
        users.MapPost("/remove", (HttpContext context, [FromServices] UserPages pages, CancellationToken cancel) => pages.ChangeAsync(context, "", pages.RemoveAsync, cancel)).WithForm();
    }

    async Task<IResult> ListAsync(HttpContext context, string? said, string? problem, UserDraft draft, CancellationToken cancel)
    {
        AccessList list = await book.ReadAsync(cancel);
        var view = new UsersView(await frames.ForAsync(context, cancel), list.Users, draft, said, problem);
        return AdminEndpoints.Page<UsersPage>(new { View = view }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    async Task<IResult> AddAsync(HttpContext context, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        UserDraft draft = UserDraft.Read(form);
        string password = form["password"].ToString();
        string? problem = Account.ProblemOf(draft.Name) ?? (draft.SignOn ? null : Passwords.ProblemOf(password, draft.Name));
        if (problem is null)
        {
            var user = new Account
            {
                Name = draft.Name, Role = draft.Role, Email = draft.Email.Length == 0 ? null : draft.Email, Stamp = Secrets.New(),
                Origin = draft.SignOn ? AccountOrigin.Invited : AccountOrigin.Password, Hash = draft.SignOn ? null : Passwords.Hash(password),
            };
            problem = await store.AddAsync(user, ActorOf(context), cancel) == AccountChange.Done ? null : $"a user '{draft.Name}' is there already";
            book.Forget();
        }
        return problem is null
            ? LoginEndpoints.SeeOther(context, frames.Root(context) + "/users" + QueryString.Create("added", draft.Name))
            : await ListAsync(context, null, Sentence.Of(problem), draft, cancel);
    }

    async Task<IResult> ShowAsync(HttpContext context, string name, string? said, string? problem, CancellationToken cancel)
    {
        PageFrame frame = await frames.ForAsync(context, cancel);
        return (await book.ReadAsync(cancel)).User(name) is { } user
            ? AdminEndpoints.Page<UserPage>(new { View = new UserView(frame, user, said, problem) }, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest)
            : AdminEndpoints.Page<ProblemPage>(new { Frame = frame, Title = "User", Section = "users", Problem = $"There is no user '{name}'." }, StatusCodes.Status404NotFound);
    }

    /// <summary>Does what a form asks, and shows what became of it.</summary>
    async Task<IResult> ChangeAsync(HttpContext context, string said, Func<HttpContext, string, IFormCollection, CancellationToken, Task<string?>> change, CancellationToken cancel)
    {
        IFormCollection form = await context.Request.ReadFormAsync(cancel);
        string name = form["name"].ToString();
        string? problem = await change(context, name, form, cancel);
        book.Forget();
        return problem is not null ? await ShowAsync(context, name, null, Sentence.Of(problem), cancel)
            : LoginEndpoints.SeeOther(context, frames.Root(context) + (said.Length == 0 ? "/users" + QueryString.Create("removed", name) : "/users/edit" + QueryString.Create("name", name).Add("said", said)));
    }

    async Task<string?> ApplyAsync(HttpContext context, string name, IFormCollection form, CancellationToken cancel) => ProblemOf(
        name,
        await store.ChangeAsync(
            name,
            user => user with
            {
                Role = Enum.TryParse(form["role"], ignoreCase: true, out Role role) && Enum.IsDefined(role) ? role : user.Role,
                Email = form["email"].ToString().Trim() is { Length: > 0 } email ? email : null, Disabled = form["disabled"] == "yes",
                Purge = Given(form["purge"]), Delete = Given(form["delete"]),
            },
            ActorOf(context), keepAdmin: true, cancel));

    async Task<string?> SetPasswordAsync(HttpContext context, string name, IFormCollection form, CancellationToken cancel)
    {
        string password = form["password"].ToString();
        return Passwords.ProblemOf(password, name) ?? ProblemOf(name, await store.SetPasswordAsync(name, Passwords.Hash(password), Secrets.New(), ActorOf(context), cancel));
    }

    async Task<string?> LogOutAsync(HttpContext context, string name, IFormCollection form, CancellationToken cancel) =>
        ProblemOf(name, await store.EndSessionsAsync(name, ActorOf(context), cancel));

    async Task<string?> RemoveAsync(HttpContext context, string name, IFormCollection form, CancellationToken cancel) =>
        form["confirm"] == name ? ProblemOf(name, await store.RemoveAsync(name, ActorOf(context), keepAdmin: true, cancel)) : "type the name to confirm that the user goes; nothing is changed";

    Actor ActorOf(HttpContext context) => context.Features.Get<Visitor>()!.From(addresses.Of(context));

    static string? ProblemOf(string name, AccountChange done) => done switch
    {
        AccountChange.Done => null,
        AccountChange.LastAdmin => $"{name} is the last administrator; make another one first",
        _ => $"there is no user '{name}'",
    };

    static bool? Given(string? choice) => choice switch { "given" => true, "taken" => false, _ => null };

    static string? Words(string? said) => said switch
    {
        "changed" => "Changed.",
        "password" => "The password is another one, and all sessions are over.",
        "logout" => "All sessions are over.",
        _ => null,
    };
}

/// <summary>What the list of users shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="Users">All users.</param>
/// <param name="Draft">What was typed into the form for another one.</param>
/// <param name="Said">What was done.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record UsersView(PageFrame Frame, IReadOnlyList<Account> Users, UserDraft Draft, string? Said, string? Problem);

/// <summary>What a user's page shows.</summary>
/// <param name="Frame">Where the page stands.</param>
/// <param name="User">The user.</param>
/// <param name="Said">What was done.</param>
/// <param name="Problem">What went wrong.</param>
public sealed record UserView(PageFrame Frame, Account User, string? Said, string? Problem);

/// <summary>What was typed into the form for another user.</summary>
/// <param name="Name">The name.</param>
/// <param name="Role">The role.</param>
/// <param name="Email">The address.</param>
/// <param name="SignOn">They come by single sign-on.</param>
public sealed record UserDraft(string Name, Role Role, string Email, bool SignOn)
{
    /// <summary>Nothing was typed yet.</summary>
    public static UserDraft New { get; } = new("", Role.Viewer, "", SignOn: false);

    /// <summary>Reads the form.</summary>
    public static UserDraft Read(IFormCollection form) => new(
        form["name"].ToString(), Enum.TryParse(form["role"], ignoreCase: true, out Role role) && Enum.IsDefined(role) ? role : Role.Viewer, form["email"].ToString().Trim(), form["sign-on"] == "yes");
}
