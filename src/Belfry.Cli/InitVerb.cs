using System.CommandLine;
using Belfry.Server;

namespace Belfry.Cli;

/// <summary><c>belfry init</c>: a settings file to start from.</summary>
static class InitVerb
{
    const string Template = """
        {
          // Settings of Belfry. Every key can also come from the environment: BELFRY__Mail__Host=mail.example.com
          // and every text from a file: "PasswordFile": "/run/secrets/smtp". What stands here commented out is the default.

          // The log. Three slashes make the path absolute: sqlite:///var/lib/belfry/log.db
          // or PostgreSQL: postgresql://USER:PASSWORD@HOST/DATABASE
          // "Store": "sqlite://belfry.db",

          // Where the pages and the API are. Other machines should reach them through a proxy that speaks TLS.
          // "Urls": "http://127.0.0.1:2355",

          // The name of this installation, shown in the bar.
          // "Site": "",

          // The zone in which the pages show instants; the machine's own by default.
          // "Admin": { "TimeZone": "Europe/Berlin" },

          // Celery clusters to read.
          "Sources": [
            // { "Name": "production", "Broker": "redis://localhost:6379/0", "KeyPrefix": "" }
          ],

          // How long an offline worker may stay silent before its runs are Lost.
          // "LostAfter": "60s",

          // How mail leaves. Tls is none, starttls or implicit. With Folder mails are written there as .eml files.
          "Mail": {
            // "Host": "mail.example.com", "Port": 587, "Tls": "starttls", "User": "belfry", "PasswordFile": "/run/secrets/smtp",
            // "From": "Belfry <belfry@example.com>",
            // "Folder": ""
          },

          // Who is told when nobody else is.
          "Administrators": [],

          // Who gets the mails of 'belfry monitor latest-run' when no recipient is named.
          "Monitoring": { "Recipients": [] },

          // Who may come in stands in the store: 'belfry user add NAME --role admin', 'belfry token add NAME'. Here is how, e.g. by single sign-on:
          "Access": {
            // "OAuth": { "Name": "Keycloak", "Issuer": "https://sso.example.com/realms/main", "ClientId": "belfry", "ClientSecretFile": "/run/secrets/belfry",
            //            "Roles": { "admin": ["belfry-admins"], "operator": ["ops"], "viewer": ["staff"] } }
          }
        }

        """;

    public static Verb Build() => new Verb("init", "Writes a commented belfry.json", "belfry init").Does(InitAsync);

    static async Task<int> InitAsync(ParseResult line, CancellationToken cancel)
    {
        string file = line.GetValue(Common.Config) ?? BelfrySettings.FileName;
        if (File.Exists(file))
        {
            Console.Error.WriteLine($"belfry: {file} is there already; it stays as it is");
            return Exits.No;
        }
        await File.WriteAllTextAsync(file, Template, cancel);
        Console.Error.WriteLine($"Wrote {file}. Next: belfry serve");
        return Exits.Done;
    }
}
