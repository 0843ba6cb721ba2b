using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Server.Tests.Settings;

/// <summary><c>belfry inspect settings</c>: what counts, wherever it came from, and no secret.</summary>
public sealed class InspectSettingsTests : IDisposable
{
    static readonly string[] Secrets = ["pl4nted-smtp", "pl4nted-broker", "pl4nted/results", "pl4nted-sentinel", "pl4nted-client", "pl4nted-store", "pl4nted-query"];

    readonly TempFolder _folder = new();

    [Fact]
    [Trait("row", "117")]
    [Trait("row", "120")]
    public async Task Inspect_settings_tells_every_key_with_what_counts_and_hides_secrets()
    {
        await File.WriteAllTextAsync(_folder.File("belfry.json"), """
            {
              "Store": "postgresql://belfry:pl4nted-store@db.example.org/belfry", "LostAfter": "90s", "Apps": { "shop": ["store", "till"] },
              "Mail": { "Host": "mail.example.org", "Tls": "starttls", "User": "belfry", "Password": "pl4nted-smtp" },
              "Sources":
              [
                { "Name": "a", "Broker": "redis://:pl4nted-broker@one/0", "ResultBackend": "redis://:pl4nted/results@one/1", "PrioritySteps": [0, 5] },
                { "Name": "b", "Broker": "sentinel://one/0?sentinel_password=pl4nted-query", "MasterName": "main", "SentinelPassword": "pl4nted-sentinel" }
              ],
              "Access": { "OAuth": { "ClientId": "belfry", "Issuer": "https://sso.example.org", "ClientSecret": "pl4nted-client" } }
            }
            """, TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string?> { ["BELFRY__Retention__Age"] = "12h" };
        Finished told = await BelfryProcess.RunAsync(["inspect", "settings"], _folder.Path, environment);
        Assert.Equal((0, ""), (told.Code, told.Errors));
        string[] lines = told.Output.TrimEnd().Split('\n');
        int column = lines.Max(line => line.Split(' ')[0].Length) + 2;
        Dictionary<string, string> shown = lines.ToDictionary(line => line.Split(' ')[0], line => line.Length > column ? line[column..] : "");
        Assert.Equal(
            ("postgresql://belfry@db.example.org:5432/belfry", "90s", "12h", "store,till", "starttls", "redis://:***@one:6379/0", "redis://***@one/1", "0,5", "main"),
            (shown["Store"], shown["LostAfter"], shown["Retention:Age"], shown["Apps:shop"], shown["Mail:Tls"], shown["Sources:0:Broker"], shown["Sources:0:ResultBackend"], shown["Sources:0:PrioritySteps"], shown["Sources:1:MasterName"]));
        Assert.Equal(("‹hidden›", "‹hidden›", "", "100000", "false"), (shown["Mail:Password"], shown["Sources:1:SentinelPassword"], shown["Sources:0:SentinelPassword"], shown["Queues:Limit"], shown["Access:ReadOnly"]));
        Finished json = await BelfryProcess.RunAsync(["inspect", "settings", "--json"], _folder.Path, environment);
        Assert.Equal(shown, JsonSerializer.Deserialize<Dictionary<string, string>>(json.Output));
        Assert.All(Secrets, secret => Assert.DoesNotContain(secret, told.Output + json.Output, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "117")]
    public void Every_key_of_the_page_of_settings_is_told()
    {
        var settings = new BelfrySettings { Sources = [new()], Apps = new() { ["NAME"] = [] } };
        (settings.Access.Proxy.Roles, settings.Access.OAuth.Roles) = (new() { ["NAME"] = [] }, new() { ["NAME"] = [] });
        settings.Sources[0].Broker = "redis://one/0";
        Assert.Equal(
            File.ReadLines(Path.Combine(Machine.Root, "docs", "settings.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1].Replace(":N:", ":0:", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            EffectiveSettings.Of(settings).Select(setting => setting.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Wrong_settings_are_told_as_such()
    {
        await File.WriteAllTextAsync(_folder.File("belfry.json"), """{ "LostAfter": "soon" }""", TestContext.Current.CancellationToken);
        Finished told = await BelfryProcess.RunAsync(["inspect", "settings"], _folder.Path);
        Assert.Equal((2, ""), (told.Code, told.Output));
        Assert.Contains("LostAfter", told.Errors, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
