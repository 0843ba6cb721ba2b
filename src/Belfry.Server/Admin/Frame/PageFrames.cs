using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Admin;

/// <summary>Makes the frame of a page from its request.</summary>
sealed class PageFrames(RunQueries queries, RunFeed feed, AdminAssets assets, AdminSettings settings, OverdueSettings overdue, Seals seals, LinkGenerator links, TimeProvider clock)
{
    /// <summary>The name of the log's endpoint, from which the root of all pages is read.</summary>
    public const string LogEndpoint = "Belfry.Log";

    const string ThemeCookie = "belfry-theme";

    /// <summary>The frame of a request.</summary>
    public async Task<PageFrame> ForAsync(HttpContext context, CancellationToken cancel)
    {
        string root = Root(context);
        string theme = context.Request.Cookies[ThemeCookie] is "light" or "dark" ? context.Request.Cookies[ThemeCookie]! : "";
        Visitor visitor = context.Features.Get<Visitor>() ?? Visitor.Local;
        return new PageFrame(
            root, $"{root}/assets/{assets.Version}", settings.Site, theme, Now(), await PulseAsync(cancel), visitor.Name, seals.Forms.GetAndStoreTokens(context).RequestToken!,
            visitor.Rights) { Overdue = overdue };
    }

    /// <summary>The same frame, a moment later.</summary>
    public async Task<PageFrame> LaterAsync(PageFrame frame, CancellationToken cancel) => frame with { Clock = Now(), Pulse = await PulseAsync(cancel) };

    /// <summary>The path under which the pages are mounted: the application's own base and the prefix of the group.</summary>
    public string Root(HttpContext context) => links.GetPathByName(context, LogEndpoint)![..^"/log".Length];

    /// <summary>Remembers a theme for a year.</summary>
    public void KeepTheme(HttpContext context, string theme)
    {
        CookieOptions options = new() { Path = Root(context) + "/", SameSite = SameSiteMode.Lax, HttpOnly = true, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromDays(365) };
        if (theme is "light" or "dark")
        {
            context.Response.Cookies.Append(ThemeCookie, theme, options);
        }
        else
        {
            context.Response.Cookies.Delete(ThemeCookie, options);
        }
    }

    SiteClock Now() => new(settings.Zone, Instant.Now(clock));

    // A store that cannot be read is told by the page itself; the bar says it, too, and does not take the page down.
    async Task<Pulse> PulseAsync(CancellationToken cancel)
    {
        try
        {
            Pulse pulse = Pulse.Of(await queries.SourcesAsync(cancel), feed.LastEvent);
            return settings.Captures ? pulse : pulse with { Source = "log", Problem = "nothing is captured: Log:Enabled is false" };
        }
        catch (StoreException error)
        {
            return new Pulse(feed.LastEvent, "store", error.Message);
        }
    }
}
