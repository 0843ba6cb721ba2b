using System.Net;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Net.Http.Headers;

namespace Belfry.Server.Tests.Access;

/// <summary>Walks the pages as a browser without script does: keeps cookies, and sends forms with all that stands in them.</summary>
sealed class Browsing(ServerHost server, params (string Name, string Value)[] always)
{
    readonly Dictionary<string, string> _cookies = [];

    /// <summary>The cookies, by name.</summary>
    public IReadOnlyDictionary<string, string> Cookies => _cookies;

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>A page, read.</summary>
    public async Task<IHtmlDocument> PageAsync(string path, HttpStatusCode wanted = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await GetAsync(path);
        string html = await answer.Content.ReadAsStringAsync(ServerHost.Cancel);
        Assert.True(answer.StatusCode == wanted, $"{path}: {answer.StatusCode} {html}");
        return new HtmlParser().ParseDocument(html);
    }

    /// <summary>Logs in by the form.</summary>
    public Task<HttpResponseMessage> LogInAsync(string name, string password = ServerHost.Password, string back = "/") =>
        SendFormAsync("/login?return=" + Uri.EscapeDataString(back), "/login", ("name", name), ("password", password), ("return", back));

    /// <summary>Sends the form of a page that leads to an address, with these fields filled in.</summary>
    public async Task<HttpResponseMessage> SendFormAsync(string page, string action, params (string Name, string Value)[] filled)
    {
        using IHtmlDocument document = await PageAsync(page);
        IHtmlFormElement form = document.Forms.FirstOrDefault(form => form.GetAttribute("action") == action)
            ?? throw new InvalidOperationException($"{page} has no form that leads to {action}: {document.Body?.InnerHtml}");
        Dictionary<string, string> fields = form.QuerySelectorAll("input, select").Where(input => input.HasAttribute("name") && (input.GetAttribute("type") != "checkbox" || input.HasAttribute("checked")))
            .GroupBy(input => input.GetAttribute("name")!)
            .ToDictionary(same => same.Key, same => same.First() is IHtmlSelectElement choice ? choice.Value ?? "" : same.First().GetAttribute("value") ?? "");
        foreach ((string name, string value) in filled)
        {
            fields[name] = value;
        }
        return await PostFieldsAsync(action, fields);
    }

    /// <summary>Sends a form with its mark and these fields.</summary>
    public async Task<HttpResponseMessage> PostAsync(string action, params (string Name, string Value)[] fields)
    {
        using IHtmlDocument any = await PageAsync("/log");
        string mark = any.QuerySelector("input[name=form]")!.GetAttribute("value")!;
        return await PostFieldsAsync(action, fields.Append(("form", mark)).ToDictionary(field => field.Item1, field => field.Item2));
    }

    /// <summary>Sends a form as it is.</summary>
    public Task<HttpResponseMessage> PostFieldsAsync(string action, IEnumerable<KeyValuePair<string, string>> fields) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, action) { Content = new FormUrlEncodedContent(fields) });

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        foreach ((string name, string value) in always)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        if (_cookies.Count > 0)
        {
            request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        }
        HttpResponseMessage answer = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ServerHost.Cancel); // some answers never end
        foreach (SetCookieHeaderValue cookie in answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? values) ? SetCookieHeaderValue.ParseList([.. values]) : [])
        {
            if (cookie.Expires < DateTimeOffset.UnixEpoch.AddYears(1))
            {
                _cookies.Remove(cookie.Name.ToString());
            }
            else
            {
                _cookies[cookie.Name.ToString()] = cookie.Value.ToString();
            }
        }
        return answer;
    }
}
