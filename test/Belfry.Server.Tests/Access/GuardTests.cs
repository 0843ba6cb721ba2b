using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Belfry.Server.Access;
using Belfry.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Tests.Access;

public sealed class GuardTests
{
    [Fact]
    [Trait("row", "100")]
    public async Task As_many_runs_as_a_page_asks_about_can_be_sent_and_a_form_that_is_too_long_is_refused_as_such()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        var mara = new Browsing(server);
        await mara.LogInAsync("mara");
        using var page = await mara.PageAsync("/log");
        KeyValuePair<string, string> mark = new("form", page.QuerySelector("input[name=form]")!.GetAttribute("value")!);
        using HttpResponseMessage many = await mara.PostFieldsAsync("/act/revoke", [mark, .. Enumerable.Range(0, 500).Select(_ => KeyValuePair.Create("run", $"shop|{Guid.NewGuid()}"))]);
        Assert.Equal(HttpStatusCode.SeeOther, many.StatusCode);
        using HttpResponseMessage tooLong = await mara.PostFieldsAsync("/queues/purge", [mark, new("name", new string('x', 20_000))]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLong.StatusCode);
    }

    [Fact]
    [Trait("row", "83")]
    public async Task A_program_without_a_token_gets_a_problem_and_with_one_its_answer()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage refused = await server.GetAsync("/api/v1/runs");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
        using HttpResponseMessage wrong = await server.GetAsync("/api/v1/runs", ("Authorization", "Bearer " + ServerHost.Token + "x"));
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        using HttpResponseMessage right = await server.GetAsync("/api/v1/runs", ("Authorization", "Bearer " + ServerHost.Token));
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
    }

    [Fact]
    [Trait("row", "83")]
    public async Task A_token_that_was_made_just_now_opens_to_all_who_come_with_it_at_once()
    {
        await using ServerHost server = (await ServerHost.StartAsync(guarded: true)).WithToken();
        for (int round = 0; round < 5; round++)
        {
            server.Get<AccountBook>().Forget();
            Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/api/v1/runs")).StatusCode);
            await server.AddTokenAsync($"new {round}", $"new_token_{round}", Scope.Read);
            HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.GetAsync("/api/v1/runs", ("Authorization", $"Bearer new_token_{round}"))));
            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        }
    }

    [Fact]
    [Trait("row", "83")]
    public async Task A_token_that_may_only_send_events_sees_nothing()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AddTokenAsync("sender", "a token that sends", Scope.Write);
        using HttpResponseMessage refused = await server.GetAsync("/api/v1/runs", ("Authorization", "Bearer a token that sends"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("scope 'read'", await refused.Content.ReadAsStringAsync(ServerHost.Cancel));
    }

    [Fact]
    public async Task A_token_opens_no_page()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage page = await server.WithToken().GetAsync("/log?state=failed");
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
        Assert.Equal("/login?return=%2Flog%3Fstate%3Dfailed", page.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task Under_a_path_of_an_application_it_stands_there_as_well()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, path: "/belfry");
        using HttpResponseMessage page = await server.GetAsync("/belfry/log");
        Assert.Equal("/belfry/login?return=%2Fbelfry%2Flog", page.Headers.Location?.OriginalString);
        using HttpResponseMessage api = await server.GetAsync("/belfry/api/v1/runs");
        Assert.Equal(HttpStatusCode.Unauthorized, api.StatusCode);
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Host", "127.0.0.1.evil.example")]
    [InlineData("X-Forwarded-For", "203.0.113.9")]
    public async Task The_demo_serves_only_this_machine_under_its_own_name(string header, string value)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        foreach (string path in new[] { "/api/v1/runs", "/log", "/health/live" })
        {
            using HttpResponseMessage refused = await server.GetAsync(path, (header, value));
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
        using HttpResponseMessage local = await server.GetAsync("/api/v1/runs", ("Host", "localhost:1"));
        Assert.Equal(HttpStatusCode.OK, local.StatusCode);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_form_of_another_site_changes_nothing(string header, string value)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "/theme") { Content = new FormUrlEncodedContent([KeyValuePair.Create("theme", "dark")]) };
        request.Headers.TryAddWithoutValidation(header, value);
        using HttpResponseMessage refused = await server.Client.SendAsync(request, ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task What_goes_wrong_behind_it_is_told_as_a_problem()
    {
        await using ServerHost server = await ServerHost.StartAsync(more: routes =>
        {
            routes.MapGet("/store", void () => throw new StoreException("the disk is gone")).RequireScope(Right.View);
            routes.MapGet("/bug", void () => throw new InvalidOperationException("a secret")).RequireScope(Right.View);
            routes.MapGet("/rightless", () => "seen");
        });
        JsonElement store = await server.JsonAsync("/others/store", HttpStatusCode.ServiceUnavailable);
        Assert.Equal("the disk is gone", store.GetProperty("detail").GetString());
        JsonElement bug = await server.JsonAsync("/others/bug", HttpStatusCode.InternalServerError);
        Assert.DoesNotContain("secret", bug.ToString());
        await server.JsonAsync("/others/rightless", HttpStatusCode.Forbidden);
    }

    [Theory]
    [InlineData("multipart/form-data", "none")]
    [InlineData("application/x-www-form-urlencoded", "many")]
    public async Task What_is_no_form_is_refused_as_such_and_no_error_of_ours(string type, string body)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using var content = new StringContent(body == "many" ? string.Concat(Enumerable.Range(0, 1100).Select(field => $"f{field}=1&")) : body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using HttpResponseMessage answer = await server.Client.PostAsync("/login", content, ServerHost.Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(server.Told);
    }

    [Fact]
    public async Task A_person_reads_what_went_wrong_on_a_page()
    {
        await using ServerHost server = await ServerHost.StartAsync(more: routes => routes.MapGet("/store", void () => throw new StoreException("the disk is <gone>")).RequireRight(Right.View));
        using HttpResponseMessage answer = await server.GetAsync("/others/store", ("Accept", "text/html,*/*"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Contains("the disk is &lt;gone&gt;", await answer.Content.ReadAsStringAsync(ServerHost.Cancel));
    }

    [Fact]
    public async Task Whoever_waits_when_the_server_stops_is_told_so_and_holds_it_up_no_longer()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        Task<HttpResponseMessage> waiting = server.WithToken().GetAsync("/api/v1/runs/nobody-knows-it/result?wait=60");
        using HttpResponseMessage other = await server.GetAsync("/api/v1/runs");
        await server.StopAsync();
        using HttpResponseMessage answer = await waiting;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("stops", await answer.Content.ReadAsStringAsync(ServerHost.Cancel));
        Assert.Empty(server.Told);
    }

    [Theory]
    [InlineData("/log")]
    [InlineData("/api/v1/runs")]
    [InlineData("/api/v1/runs?nonsense=1")]
    [InlineData("/api/nothing")]
    [InlineData("/login")]
    [InlineData("/health/live")]
    public async Task Whatever_it_answers_has_the_strict_headers(string path)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        using HttpResponseMessage answer = await server.GetAsync(path);
        if (answer.StatusCode == HttpStatusCode.NotFound && !path.StartsWith("/api/v1", StringComparison.Ordinal))
        {
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(ServerHost.Cancel));
            return;
        }
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("same-origin", answer.Headers.GetValues("Referrer-Policy").Single());
    }
}
