using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>How somebody is not let in.</summary>
/// <param name="Status">401 or 403.</param>
/// <param name="For">Who asked; null when it does not matter.</param>
/// <param name="Detail">What to do about it.</param>
sealed record Refusal(int Status, Caller? For, string Detail)
{
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
        return Results.Problem(Detail, statusCode: Status).ExecuteAsync(context);
    }

    static string LoginUrl(HttpContext context, string back)
    {
        string login = context.RequestServices.GetRequiredService<LinkGenerator>().GetPathByName(context, LoginEndpoints.Name)!;
        return back.Length == 0 ? login : login + QueryString.Create("return", back);
    }
}
