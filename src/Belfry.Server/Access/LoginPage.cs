using System.Text.Encodings.Web;

namespace Belfry.Server.Access;

/// <summary>The page that asks for name and password.</summary>
static class LoginPage
{
    public static string Render(string root, string site, string name, string back, string tokenField, string token, string? problem) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>Sign in – Belfry</title>
          <link rel="icon" type="image/svg+xml" href="{Safe(root)}/assets/login/mark.svg" />
          <link rel="stylesheet" href="{Safe(root)}/assets/login/tabler.css" />
          <link rel="stylesheet" href="{Safe(root)}/assets/login/app.css" />
        </head>
        <body class="b-login-page">
          <main class="b-login">
            <h1 class="b-login-brand"><svg class="b-mark" aria-hidden="true"><use href="{Safe(root)}/assets/login/icons.svg#mark" /></svg><b>Belfry</b></h1>
            <p class="b-login-site">{(site.Length == 0 ? "Sign in" : "Sign in to " + Safe(site))}</p>
            {(problem is null ? "" : $"""<p class="b-problem" role="alert">{Safe(problem)}</p>""")}
            <form class="b-login-form" method="post" action="{Safe(root)}/login">
              <input type="hidden" name="{Safe(tokenField)}" value="{Safe(token)}" />
              <input type="hidden" name="return" value="{Safe(back)}" />
              <label for="name">Name</label>
              <input class="b-input" id="name" name="name" value="{Safe(name)}" autocomplete="username" autocapitalize="none" spellcheck="false" required{(name.Length == 0 ? " autofocus" : "")} />
              <label for="password">Password</label>
              <input class="b-input" id="password" name="password" type="password" autocomplete="current-password" required{(name.Length == 0 ? "" : " autofocus")} />
              <button class="b-btn b-btn-main" type="submit">Sign in</button>
            </form>
            <p class="b-login-help">No account? An administrator makes one with <code>belfry user add</code>.</p>
          </main>
        </body>
        </html>
        """;

    static string Safe(string text) => HtmlEncoder.Default.Encode(text);
}
