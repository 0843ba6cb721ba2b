using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>Secrets are planted wherever there is a place for one, and looked for wherever Belfry says, shows or keeps something.</summary>
public sealed partial class PlantedSecretsTests
{
    const string Password = "planted-password-of-mara", Wrong = "planted-wrong-password", WrongToken = "belfry_planted-wrong-token", Smtp = "planted-smtp-password", Client = "planted-client-secret";

    static readonly string[] Pages =
    [
        "/log", "/log?q=%22", "/health", "/users", "/users/edit?name=mara", "/users/edit?name=nobody", "/tokens", "/audit", "/account", "/runs/none", "/api/v1/runs?cursor=none", "/api/v1/runs/none",
        "/api/v1/runs.csv", "/api/v1/runs.jsonl", "/api/v1/workers", "/health/ready", "/setup?key=planted-wrong-password", "/login/sign-on", "/login/sign-on/back?code=x&state=y",
    ];

    readonly StringBuilder _seen = new();

    [Fact]
    [Trait("row", "83")]
    public async Task They_appear_in_no_log_line_page_error_export_or_audit_row()
    {
        using TempFolder folder = new();
        await PlantAsync(folder);
        string token = await BelfryProcess.NewTokenAsync(folder.Path, "--scope", "admin");
        await using (BelfryProcess server = await BelfryProcess.ServeAsync([], folder.Path))
        {
            using HttpClient browser = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };
            await LogInAsync(browser, Wrong, Wrong);
            await LogInAsync(browser, "mara", Wrong);
            Assert.Equal(HttpStatusCode.SeeOther, await LogInAsync(browser, "mara", Password));
            foreach (string page in Pages)
            {
                await SeeAsync(browser, page, null);
                await SeeAsync(server.Http, page, null);
                await SeeAsync(server.Http, page, token);
                await SeeAsync(server.Http, page, WrongToken);
            }
            await ChangePasswordAsync(browser);
            Assert.Equal(0, await server.StopAsync());
            _seen.Append(server.Process.Story());
        }
        foreach (string[] verb in new string[][] { ["doctor"], ["doctor", "--json"], ["audit"], ["audit", "--json"], ["user", "list", "--json"], ["token", "list"], ["inspect", "logs"] })
        {
            Finished said = await BelfryProcess.RunAsync(verb, folder.Path);
            _seen.Append(said.Output).Append(said.Errors);
        }
        await File.AppendAllTextAsync(folder.File("belfry.json"), "}", TestContext.Current.CancellationToken);
        Finished broken = await BelfryProcess.RunAsync(["doctor"], folder.Path);
        _seen.Append(broken.Output).Append(broken.Errors);
        string kept = string.Concat(Directory.GetFiles(folder.Path, "belfry.db*").Select(file => Encoding.Latin1.GetString(File.ReadAllBytes(file))));
        foreach (string secret in new[] { Password, Wrong, WrongToken, Smtp, Client, token })
        {
            Assert.DoesNotContain(secret, _seen.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, kept, StringComparison.Ordinal);
        }
        // What was looked through did say something.
        Assert.All(["mara logged in", "login.refused", "token.add", "A login from 127.0.0.1 was refused", "✖ mail"], said => Assert.Contains(said, _seen.ToString(), StringComparison.Ordinal));
    }

    static async Task PlantAsync(TempFolder folder)
    {
        await File.WriteAllTextAsync(folder.File("belfry.json"), $$"""
            {
              "Mail": { "Host": "127.0.0.1", "Port": 1, "User": "belfry", "Password": "{{Smtp}}" },
              "Access": { "OAuth": { "Issuer": "http://127.0.0.1:1", "ClientId": "belfry", "ClientSecret": "{{Client}}" } }
            }
            """);
        Finished user = await BelfryProcess.RunAsync(["user", "add", "mara", "--role", "admin"], folder.Path, input: Password + "\n");
        Assert.True(user.Code == 0, user.Errors);
    }

    async Task<HttpStatusCode> LogInAsync(HttpClient http, string name, string password)
    {
        string mark = Mark().Match(await http.GetStringAsync("/login")).Groups["mark"].Value;
        using HttpResponseMessage answer = await http.PostAsync("/login", new FormUrlEncodedContent([new("form", mark), new("name", name), new("password", password)]));
        // The name that was typed is shown to whoever typed it, in its field.
        _seen.Append(answer.Headers.Location).Append((await answer.Content.ReadAsStringAsync()).Replace($"value=\"{name}\"", "", StringComparison.Ordinal));
        return answer.StatusCode;
    }

    async Task ChangePasswordAsync(HttpClient http)
    {
        string mark = Mark().Match(await http.GetStringAsync("/account")).Groups["mark"].Value;
        foreach ((string old, string next) in new[] { (Wrong, Wrong + "2"), (Password, Wrong), (Wrong, Password) })
        {
            using HttpResponseMessage answer = await http.PostAsync("/account/password", new FormUrlEncodedContent([new("form", mark), new("old", old), new("new", next), new("again", next)]));
            _seen.Append(answer.Headers.Location).Append(await answer.Content.ReadAsStringAsync());
        }
    }

    async Task SeeAsync(HttpClient http, string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await http.SendAsync(request);
        // Where a login leads back to is what was asked for.
        _seen.Append(answer.Headers.Location?.OriginalString.Split('?')[0]).Append(await answer.Content.ReadAsStringAsync());
    }

    [GeneratedRegex("name=\"form\" value=\"(?<mark>[^\"]+)\"", RegexOptions.None, 1000)]
    private static partial Regex Mark();
}
