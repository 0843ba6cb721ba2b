using System.CommandLine;
using System.Text;
using System.Text.Json;
using Belfry.Server;
using Belfry.Server.Access;

namespace Belfry.Cli;

/// <summary><c>belfry user …</c>: who may log in.</summary>
static class UserVerb
{
    const int ShortestPassword = 8;

    static readonly Argument<string> Name = new("NAME") { Description = "The name at the login" };
    static readonly Option<Role> RoleOption = new("--role")
    {
        Description = "What the user may do: viewer, operator or admin (default: admin)", DefaultValueFactory = _ => Role.Admin,
        CustomParser = words => Common.Named<Role>(words).FirstOrDefault(),
    };
    static readonly Option<string?> PasswordFile = new("--password-file") { Description = "The file whose first line is the password (default: it is asked for, or read from stdin)", HelpName = "FILE" };

    public static Verb Build() => new("user", "Users of the pages")
    {
        new Verb("add", "Adds a user to belfry.json, with a hash of the password", "belfry user add mara") { Name, RoleOption, PasswordFile }.Does(AddAsync),
    };

    static async Task<int> AddAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!;
        if (Common.Settings(line).Access.Users.Exists(user => user.Name == name))
        {
            throw new DeclinedException($"a user '{name}' is there already");
        }
        string password = await PasswordAsync(line.GetValue(PasswordFile), cancel);
        if (password.Length < ShortestPassword)
        {
            throw new UsageException($"the password is too short: {ShortestPassword} characters or more");
        }
        string entry = $$"""{ "Name": {{JsonSerializer.Serialize(name)}}, "Hash": "{{Passwords.Hash(password)}}", "Role": "{{line.GetValue(RoleOption).ToString().ToLowerInvariant()}}" }""";
        string file = line.GetValue(Common.Config) ?? BelfrySettings.FileName;
        if (await SettingsText.TryAddToFileAsync(file, ["Access", "Users"], entry, cancel))
        {
            Console.Error.WriteLine($"Added {name} to {file}. A running server takes it up when it starts again.");
        }
        else
        {
            Console.Error.WriteLine($"There is no {file}; 'belfry init' writes one. What belongs into it:");
            Console.Out.WriteLine($$"""{ "Access": { "Users": [ {{entry}} ] } }""");
        }
        return Exits.Done;
    }

    static async Task<string> PasswordAsync(string? file, CancellationToken cancel)
    {
        if (file is not null)
        {
            return (await File.ReadAllLinesAsync(file, cancel)).FirstOrDefault("");
        }
        if (Console.IsInputRedirected)
        {
            return await Console.In.ReadLineAsync(cancel) ?? "";
        }
        string password = Ask("Password: ");
        return Ask("Once more: ") == password ? password : throw new UsageException("the two are not the same");
    }

    /// <summary>Reads a line without showing it.</summary>
    static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                typed.Append(key.KeyChar);
            }
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
