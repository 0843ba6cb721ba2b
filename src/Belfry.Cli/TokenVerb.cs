using System.CommandLine;
using System.Text.Json;
using Belfry.Server;
using Belfry.Server.Access;

namespace Belfry.Cli;

/// <summary><c>belfry token …</c>: what programs may do.</summary>
static class TokenVerb
{
    static readonly Argument<string> Name = new("NAME") { Description = "A name to know it by" };
    static readonly Option<Scope[]> Scopes = new("--scope")
    {
        Description = "What it may do: read, write, run, manage or admin (default: read; repeatable)", DefaultValueFactory = _ => [Scope.Read],
        CustomParser = Common.Named<Scope>,
    };

    public static Verb Build() => new("token", "Tokens of programs")
    {
        new Verb("add", "Makes a token: stdout has it, once; belfry.json gets its hash", "belfry token add grafana") { Name, Scopes }.Does(AddAsync),
    };

    static async Task<int> AddAsync(ParseResult line, CancellationToken cancel)
    {
        string name = line.GetValue(Name)!;
        if (Common.Settings(line).Access.Tokens.Exists(token => token.Name == name))
        {
            throw new DeclinedException($"a token '{name}' is there already");
        }
        string token = TokenHash.NewToken();
        string scopes = string.Join(", ", line.GetValue(Scopes)!.Distinct().Select(scope => $"\"{scope.ToString().ToLowerInvariant()}\""));
        string entry = $$"""{ "Name": {{JsonSerializer.Serialize(name)}}, "Hash": "{{TokenHash.Of(token)}}", "Scope": [{{scopes}}] }""";
        string file = line.GetValue(Common.Config) ?? BelfrySettings.FileName;
        if (await SettingsText.TryAddToFileAsync(file, ["Access", "Tokens"], entry, cancel))
        {
            Console.Error.WriteLine($"Added {name} to {file}. A running server takes it up when it starts again. The token, shown only now:");
        }
        else
        {
            Console.Error.WriteLine($$"""There is no {{file}}; 'belfry init' writes one. What belongs into it: { "Access": { "Tokens": [ {{entry}} ] } }""");
        }
        Console.Out.WriteLine(token);
        return Exits.Done;
    }
}
