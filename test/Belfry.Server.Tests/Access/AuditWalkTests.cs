using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Server.Tests.Admin;
using Belfry.Server.Tests.Api;
using Belfry.Server.Tests.Workers;
using Belfry.Testing;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Tests.Access;

/// <summary>Whoever changes something by a page or the API stands in the audit, with what, and about what. Each of these endpoints is made to succeed; one that is new has to be added here.</summary>
public sealed class AuditWalkTests(WorkerLab lab) : IClassFixture<WorkerLab>
{
    /// <summary>The colour of one's own pages; and what machines tell of their tasks, which is what the log is.</summary>
    static readonly string[] NotAudited = ["POST /theme", "POST /api/v1/events", "POST /api/v1/tasks/{name}/progress"];

    [Fact]
    [Trait("row", "73")]
    [Trait("row", "118")]
    public async Task Every_change_stands_in_the_audit_with_who_did_it_what_and_about_what()
    {
        await using ServerHost server = await lab.ServeAsync();
        await server.AddTokenAsync("boss", "token of the boss", Scope.Admin);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "token of the boss");
        var mara = new Browsing(server);
        await using ServerHost fresh = await ServerHost.StartAsync(change: settings => settings.Access.Open = false);
        var first = new Browsing(fresh);
        await first.GetAsync("/login");

        var walked = new List<string>();
        await foreach ((string endpoint, string who, string what, string about, Func<Task<HttpResponseMessage>> act) in Acts(server, mara, fresh, first))
        {
            using HttpResponseMessage answer = await act();
            string text = await answer.Content.ReadAsStringAsync(ServerHost.Cancel);
            Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted or HttpStatusCode.SeeOther, $"{endpoint}: {answer.StatusCode} {text}");
            if (endpoint.StartsWith("POST /api/", StringComparison.Ordinal))
            {
                Assert.Empty(OpenApiTests.Problems("POST", endpoint["POST ".Length..], answer, text));
            }
            ServerHost of = endpoint == "POST /setup" ? fresh : server;
            await of.Get<AuditTrail>().WriteAsync(all: true, ServerHost.Cancel);
            IReadOnlyList<AuditEntry> audit = await of.Access.AuditAsync(new AuditQuery(Who: who, What: what), 20, ServerHost.Cancel);
            Assert.True(audit.Any(row => row.Actor.Name == who && row.Actor.Address.Length > 0 && row.What == what && row.About == about), $"{endpoint} by {who} left no {what} {about}, but {string.Join("; ", audit.Select(row => $"{row.What} {row.About}"))}");
            walked.Add(endpoint);
        }
        Assert.Equal(Changes(server).Except(NotAudited).Order(StringComparer.Ordinal), walked.Distinct().Order(StringComparer.Ordinal));
    }

    static IEnumerable<string> Changes(ServerHost server) =>
        from endpoint in server.Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        where method is not ("GET" or "HEAD")
        select $"{method} {endpoint.RoutePattern.RawText!.TrimEnd('/')}";

    /// <summary>Endpoint, who, what, about what, and how.</summary>
    async IAsyncEnumerable<(string, string, string, string, Func<Task<HttpResponseMessage>>)> Acts(ServerHost server, Browsing mara, ServerHost fresh, Browsing first)
    {
        yield return ("POST /setup", "ada", "user.add", "ada", async () =>
            await first.SendFormAsync((await fresh.Get<SetupEndpoints>().NewLinkAsync(ServerHost.Cancel))!, "/setup", ("name", "ada"), ("password", ServerHost.Password), ("again", ServerHost.Password)));
        yield return ("POST /login", "mara", "login", "mara", () => mara.LogInAsync("mara"));
        yield return ("POST /users", "mara", "user.add", "ines", () => mara.PostAsync("/users", ("name", "ines"), ("password", ServerHost.Password), ("role", "viewer")));
        yield return ("POST /users/change", "mara", "user.change", "ines", () => mara.PostAsync("/users/change", ("name", "ines"), ("role", "operator")));
        yield return ("POST /users/password", "mara", "user.password", "ines", () => mara.PostAsync("/users/password", ("name", "ines"), ("password", "another horse")));
        yield return ("POST /users/logout", "mara", "user.logout", "ines", () => mara.PostAsync("/users/logout", ("name", "ines")));
        yield return ("POST /users/remove", "mara", "user.remove", "ines", () => mara.PostAsync("/users/remove", ("name", "ines"), ("confirm", "ines")));
        yield return ("POST /tokens", "mara", "token.add", "robot", () => mara.PostAsync("/tokens", ("name", "robot"), ("scope", "read"), ("days", "30")));
        yield return ("POST /tokens/revoke", "mara", "token.revoke", "robot", () => mara.PostAsync("/tokens/revoke", ("name", "robot")));
        yield return ("POST /control", "mara", "control.rate-limit", "w1@lab", () => mara.PostAsync("/control", ("command", "rate-limit"), ("source", "lab"), ("worker", "w1@lab"), ("task", "lab.add"), ("rate", "0")));
        yield return ("POST /api/v1/control/{command}", "boss", "control.pool-grow", "w1@lab", () => PostAsync(server, "control/pool-grow", new { workers = "w1@lab" }));

        string called = "", held = "", working = "";
        yield return ("POST /api/v1/tasks/{name}/call", "boss", "task.call", "lab.add", () => PostAsync(server, "tasks/lab.add/call", new { args = new[] { 1, 2 } }));
        await Eventually.HoldsAsync("a run ended, one waits and one is at work", async () =>
        {
            called = called.Length > 0 ? called : await lab.Cluster.SendAsync("lab.add", [1, 2]);
            held = held.Length > 0 ? held : await lab.Cluster.SendAsync("lab.add", [1, 2], new { queue = "nobody" });
            working = working.Length > 0 ? working : await lab.Cluster.SendAsync("lab.sleep", [60]);
            return await StateAsync(server, called) == RunState.Completed && await StateAsync(server, held) == RunState.Pending && await StateAsync(server, working) == RunState.Running;
        });
        yield return ("POST /api/v1/runs/{id}/retry", "boss", "run.retry", called, () => PostAsync(server, $"runs/{called}/retry", new { }));
        yield return ("POST /act/retry", "mara", "run.retry", called, () => mara.PostAsync("/act/retry", ("run", called), ("source", "lab")));
        yield return ("POST /api/v1/runs/{id}/revoke", "boss", "run.revoke", held, () => PostAsync(server, $"runs/{held}/revoke", new { }));
        yield return ("POST /act/revoke", "mara", "run.revoke", held, () => mara.PostAsync("/act/revoke", ("run", held), ("source", "lab")));
        yield return ("POST /act/terminate", "mara", "run.terminate", working, () => mara.PostAsync("/act/terminate", ("run", working), ("source", "lab")));

        yield return ("POST /api/v1/queues/{name}/move", "boss", "queue.move", "nobody of lab", () => PostAsync(server, "queues/nobody/move", new { to = "nowhere" }));
        yield return ("POST /queues/move", "mara", "queue.move", "nowhere of lab", () => mara.PostAsync("/queues/move", ("source", "lab"), ("name", "nowhere"), ("to", "nobody"), ("to-source", "lab")));
        yield return ("POST /api/v1/queues/{name}/purge", "boss", "queue.purge", "nobody of lab", () => PostAsync(server, "queues/nobody/purge", new { id = held }));
        yield return ("POST /queues/purge", "mara", "queue.purge", "nobody of lab", () => mara.PostAsync("/queues/purge", ("source", "lab"), ("name", "nobody"), ("confirm", "nobody")));

        await server.AppendAsync([.. DeadPageTests.Dead("d1", "shop.resize", "[1]")]);
        yield return ("POST /dead/again", "mara", "run.retry", "d1", () => mara.PostAsync("/dead/again", ("run", "d1")));
        yield return ("POST /api/v1/runs/purge", "boss", "run.purge", "task lab.add", () => PostAsync(server, "runs/purge", new { task = "lab.add" }));

        yield return ("POST /account/password", "mara", "user.password", "mara", () => mara.PostAsync("/account/password", ("old", ServerHost.Password), ("new", "another horse"), ("again", "another horse")));
        yield return ("POST /logout", "mara", "logout", "mara", () => mara.PostAsync("/logout"));
        yield return ("POST /account/logout", "mara", "user.logout", "mara", async () =>
        {
            await mara.LogInAsync("mara", "another horse");
            return await mara.PostAsync("/account/logout");
        });
    }

    static async Task<RunState?> StateAsync(ServerHost server, string id) => (await server.Log.Queries.FindAsync(id, "lab", ServerHost.Cancel)).MaxBy(run => run.Attempt)?.State;

    static Task<HttpResponseMessage> PostAsync(ServerHost server, string path, object body) => server.Client.PostAsJsonAsync("/api/v1/" + path, body, ServerHost.Cancel);
}
