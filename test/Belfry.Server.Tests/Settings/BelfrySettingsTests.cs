using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Settings;

[Trait("row", "120")]
public sealed class BelfrySettingsTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Keys_reach_their_rooms()
    {
        BelfrySettings settings = Load("""
            {
              // a comment
              "store": "memory:", "Site": "gap", "LostAfter": "90s",
              "Sources": [ { "Name": "prod", "Broker": "redis://localhost/1", "KeyPrefix": "p_" } ],
              "Mail": { "Host": "mail.example.com", "Port": 587, "Tls": "StartTls" },
              "Administrators": "a@example.com, b@example.com",
              "Monitoring": { "Recipients": ["c@example.com"] },
              "Access": { "ReadOnly": true, "Proxy": { "Header": "X-User", "Addresses": "127.0.0.1, 10.0.0.0/8", "Role": "operator", "Roles": { "admin": ["ops"] } } },
            }
            """);
        Assert.Equal("memory:", settings.Store);
        Assert.Equal("gap", settings.Admin.Site);
        Assert.Equal(TimeSpan.FromSeconds(90), settings.LostAfter);
        Assert.Equal("p_", settings.Sources.Single().KeyPrefix);
        Assert.Equal(587, settings.Mail.Port);
        Assert.Equal(["a@example.com", "b@example.com"], settings.Alerts.Administrators);
        Assert.Equal(["c@example.com"], settings.Alerts.Monitoring.Recipients);
        Assert.True(settings.Access.ReadOnly);
        Assert.Equal(Role.Operator, settings.Access.Proxy.Role);
        Assert.Equal(["ops"], settings.Access.Proxy.Roles["admin"]);
    }

    [Fact]
    public void All_wrong_values_are_told_at_once_each_with_its_key()
    {
        var e = Assert.Throws<SettingsException>(() => Load("""
            {
              "Stroe": "memory:", "Store": "postgres://x", "LostAfter": "soon", "Urls": "http://0.0.0.0:80;ftp://x",
              "Sources": [ { "Broker": "http://x", "Nmae": "x" }, "y" ],
              "Mail": { "Port": "many", "Tls": "always", "From": "nobody" },
              "Administrators": ["ops"],
              "Monitoring": "ops@example.com",
              "Access": {
                "Users": [ { "Name": "mara" } ], "AuditAge": "0", "Limits": { "Logins": 0 }, "Proxy": { "Header": "X-User", "Roles": { "king": ["a"] } },
                "OAuth": { "Issuer": "http://sso.example.com", "Role": "boss" }
              }
            }
            """));
        Assert.Equal(
            [
                "Access:AuditAge", "Access:Limits:Logins", "Access:OAuth:ClientId", "Access:OAuth:Issuer", "Access:OAuth:Role", "Access:Proxy:Addresses", "Access:Proxy:Roles:king",
                "Access:Users", "Administrators:0", "LostAfter",
                "Mail:From", "Mail:Port", "Mail:Tls", "Monitoring", "Sources:0:Broker", "Sources:0:Nmae", "Sources:1", "Store", "Stroe", "Urls",
            ],
            e.Problems.Select(found => found.Key).Distinct().Order(StringComparer.Ordinal));
        Assert.Contains("'belfry user add NAME", e.Problems.Single(found => found.Key == "Access:Users").Problem);
        Assert.Contains("known here are", e.Problems.Single(found => found.Key == "Stroe").Problem);
        Assert.Contains("none, starttls, implicit", e.Problems.Single(found => found.Key == "Mail:Tls").Problem);
    }

    [Fact]
    public void Options_win_over_the_file() =>
        Assert.Equal("memory:", Load("""{ "Store": "sqlite://other.db" }""", ("Store", "memory:")).Store);

    [Fact]
    public void A_text_can_come_from_a_file_of_its_own()
    {
        File.WriteAllText(_folder.File("smtp"), "pass word\n");
        Assert.Equal("pass word", Load($$"""{ "Mail": { "Host": "m", "User": "u", "PasswordFile": "{{_folder.File("smtp")}}" } }""").Mail.Password);
        var e = Assert.Throws<SettingsException>(() => Load($$"""{ "Mail": { "PasswordFile": "{{_folder.File("nothing")}}" } }"""));
        Assert.Equal("Mail:PasswordFile", e.Problems.Single().Key);
    }

    [Theory]
    [InlineData("{ \"Store\": }", "line 1, column 12")]
    [InlineData("{\n  \"Store\" \"x\"\n}", "line 2, column 11")]
    public void Broken_JSON_is_told_with_its_place(string text, string place) =>
        Assert.Contains(place, Assert.Throws<SettingsException>(() => Load(text)).Problems.Single().Problem);

    [Theory]
    [InlineData("http://127.0.0.1:80", true)]
    [InlineData("http://localhost:80;http://[::1]:81", true)]
    [InlineData("http://0.0.0.0:80", false)]
    [InlineData("http://*:80", false)]
    [InlineData("http://192.0.2.1", false)]
    [InlineData("http://belfry.example.com", false)]
    public void The_demo_takes_only_addresses_of_this_machine(string urls, bool taken)
    {
        File.WriteAllText(_folder.File("belfry.json"), "{}");
        Exception? refused = Record.Exception(() => BelfrySettings.Load(_folder.File("belfry.json"), [KeyValuePair.Create("Urls", (string?)urls)], demo: true));
        Assert.Equal(taken, refused is null);
        Assert.Null(Record.Exception(() => Load("{}", ("Urls", urls))));
    }

    BelfrySettings Load(string json, params (string Key, string Value)[] options)
    {
        File.WriteAllText(_folder.File("belfry.json"), json);
        return BelfrySettings.Load(_folder.File("belfry.json"), options.Select(option => KeyValuePair.Create(option.Key, (string?)option.Value)));
    }
}
