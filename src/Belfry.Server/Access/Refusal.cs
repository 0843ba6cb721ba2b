using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>How somebody is not let in, or told that something went wrong.</summary>
/// <param name="Status">400, 401, 403, 429 …</param>
/// <param name="For">Who asked; null when it does not matter.</param>
/// <param name="Detail">What to do about it.</param>
sealed record Refusal(int Status, Caller? For, string Detail)
{
    /// <summary>Answers so.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        bool login = Status == StatusCodes.Status401Unauthorized && For == Caller.Browser;
        if (login && HttpMethods.IsGet(context.Request.Method) && !context.Request.Headers.ContainsKey("HX-Request"))
        {
            context.Response.Redirect(LoginUrl(context, context.Request.PathBase + context.Request.Path + context.Request.QueryString));
            return Task.CompletedTask;
        }
        if (login)
        {
            // A part of a page, or a form on one that stood open for long: the whole page goes to the login.
            context.Response.Headers["HX-Redirect"] = LoginUrl(context, "");
        }
        if (Status == StatusCodes.Status401Unauthorized && For == Caller.Program)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"Belfry\"";
        }
        if (Status == StatusCodes.Status429TooManyRequests)
        {
            context.Response.Headers.RetryAfter = "60";
        }
        return For == Caller.Browser && context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal)
            ? ShowAsync(context, login)
            : Results.Problem(Detail, statusCode: Status).ExecuteAsync(context);
    }

    Task ShowAsync(HttpContext context, bool login)
    {
        string root = LoginUrl(context, "")[..^LoginEndpoints.Path.Length];
        string html = DoorPage.Frame(root, Status >= StatusCodes.Status500InternalServerError ? "Not now" : "Not here", $"""
            <p class="b-login-site">{DoorPage.Safe(login ? "Your session is over." : Detail)}</p>
            <p class="b-login-help"><a href="{DoorPage.Safe(root)}/">{(login ? "Sign in" : "To the log")}</a></p>
            """);
        return Results.Content(html, DoorPage.Type, statusCode: Status).ExecuteAsync(context);
    }

    static string LoginUrl(HttpContext context, string back)
    {
        string login = context.RequestServices.GetRequiredService<LinkGenerator>().GetPathByName(context, LoginEndpoints.Name)!;
        return back.Length == 0 ? login : login + QueryString.Create("return", back);
    }
}
