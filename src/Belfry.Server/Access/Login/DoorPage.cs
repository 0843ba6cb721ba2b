using System.Text.Encodings.Web;

namespace Belfry.Server.Access;

/// <summary>The pages before the door: they ask who is there. Written without the frame of the pages behind it, which belongs to those who are in.</summary>
static class DoorPage
{
    public const string Type = "text/html; charset=utf-8";

    /// <summary>Asks for name and password, or leads to the single sign-on.</summary>
    public static string Login(string root, string site, string name, string back, string form, string? problem, string? signOn, bool anybody) => Frame(root, "Sign in", $"""
        <p class="b-login-site">{(site.Length == 0 ? "Sign in" : "Sign in to " + Safe(site))}</p>
        {Problem(problem)}
        {(signOn is null ? "" : $"""<p><a class="b-btn b-login-sign-on" href="{Safe(root)}/login/sign-on?return={Uri.EscapeDataString(back)}">Sign in with {Safe(signOn)}</a></p><p class="b-login-or">or with a password of this server</p>""")}
        <form class="b-login-form" method="post" action="{Safe(root)}/login">
          <input type="hidden" name="form" value="{Safe(form)}" />
          <input type="hidden" name="return" value="{Safe(back)}" />
          <label for="name">Name</label>
          <input class="b-input" id="name" name="name" value="{Safe(name)}" autocomplete="username" autocapitalize="none" spellcheck="false" required{(name.Length == 0 ? " autofocus" : "")} />
          <label for="password">Password</label>
          <input class="b-input" id="password" name="password" type="password" autocomplete="current-password" required{(name.Length == 0 ? "" : " autofocus")} />
          <button class="b-btn b-btn-main" type="submit">Sign in</button>
        </form>
        <p class="b-login-help">{(anybody
            ? "No account? An administrator makes one with <code>belfry user add</code>."
            : "Nobody is set up yet. Open the link that the server printed when it started, or run <code>belfry user add NAME --role admin</code> on its machine.")}</p>
        """);

    /// <summary>Asks the first administrator for a name and a password.</summary>
    public static string Setup(string root, string site, string name, string key, string form, string? problem) => Frame(root, "First administrator", $"""
        <p class="b-login-site">The first administrator{(site.Length == 0 ? "" : " of " + Safe(site))}</p>
        {Problem(problem)}
        <form class="b-login-form" method="post" action="{Safe(root)}/setup">
          <input type="hidden" name="form" value="{Safe(form)}" />
          <input type="hidden" name="key" value="{Safe(key)}" />
          <label for="name">Name</label>
          <input class="b-input" id="name" name="name" value="{Safe(name)}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="{Account.LongestName}" required autofocus />
          <label for="password">Password</label>
          <input class="b-input" id="password" name="password" type="password" autocomplete="new-password" required />
          <label for="again">Once more</label>
          <input class="b-input" id="again" name="again" type="password" autocomplete="new-password" required />
          <button class="b-btn b-btn-main" type="submit">Make the account</button>
        </form>
        <p class="b-login-help">This link is good once. Others get their accounts from the page Users, or with <code>belfry user add</code>.</p>
        """);

    /// <summary>A page with a text and no more.</summary>
    public static string Frame(string root, string title, string content) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{title} – Belfry</title>
          <link rel="icon" type="image/svg+xml" href="{Safe(root)}/assets/login/mark.svg" />
          <link rel="stylesheet" href="{Safe(root)}/assets/login/tabler.css" />
          <link rel="stylesheet" href="{Safe(root)}/assets/login/app.css" />
          <link rel="stylesheet" href="{Safe(root)}/assets/login/narrow.css" media="(max-width: 900px)" />
        </head>
        <body class="b-login-page">
          <main class="b-login">
            <h1 class="b-login-brand"><svg class="b-mark" aria-hidden="true"><use href="{Safe(root)}/assets/login/icons.svg#mark" /></svg><b>Belfry</b></h1>
            {content}
          </main>
        </body>
        </html>
        """;

    public static string Safe(string text) => HtmlEncoder.Default.Encode(text);

    static string Problem(string? problem) => problem is null ? "" : $"""<p class="b-problem" role="alert">{Safe(problem)}</p>""";
}
