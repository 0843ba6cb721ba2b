using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Belfry.Celery.Control;
using Belfry.Server.Access;
using Belfry.Server.Api;
using Belfry.Testing;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Tests.Api;

/// <summary>The description of the API says what the routes do: each of them is asked.</summary>
public sealed partial class OpenApiTests
{
    static readonly JsonElement Document = JsonElement.Parse(File.ReadAllText(Path.Combine(Machine.Root, "src", "Belfry.Server", "Api", "openapi.json")));

    /// <summary>What requests bring, by the record that reads it.</summary>
    static readonly Dictionary<string, string> Bodies = new()
    {
        ["CallEndpoints.CallBody"] = "CallBody", ["CallEndpoints.RevokeBody"] = "RevokeBody", ["CallEndpoints.ProgressBody"] = "ProgressBody",
        ["QueueEndpoints.PurgeBody"] = "PurgeQueueBody", ["QueueEndpoints.MoveBody"] = "MoveBody", ["PurgeEndpoint.PurgeBody"] = "PurgeRunsBody",
    };

    static readonly JsonSchema Schemas = new(Document);

    [Fact]
    public async Task Every_route_of_the_API_is_described_with_its_right_and_no_other_is()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        var wanted =
            from endpoint in server.Endpoints.OfType<RouteEndpoint>()
            let pattern = endpoint.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal).TrimEnd('/')
            where endpoint.Metadata.GetMetadata<RequiredRight>() is { For: Caller.Program } || pattern.StartsWith("/health/", StringComparison.Ordinal)
            where !pattern.Contains(":nonfile", StringComparison.Ordinal) && !endpoint.Metadata.OfType<RequiredRight>().Any(needed => needed.For == Caller.Browser)
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
            select $"{method} {pattern} {ScopeOf(endpoint.Metadata.GetMetadata<RequiredRight>()?.Right)}{(method == "GET" && endpoint.Metadata.GetMetadata<RequiredRight>() is not null ? " or session" : "")}";
        Assert.Equal(wanted.Order(StringComparer.Ordinal), Operations().Select(one => $"{one.Method} {one.Path} {SecurityOf(one.Operation)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_operation_has_a_name_of_its_own_a_sentence_its_places_and_its_answers()
    {
        Assert.Empty(Operations().GroupBy(one => one.Operation.GetProperty("operationId").GetString()).Where(same => same.Count() > 1).Select(same => same.Key));
        foreach ((string method, string path, JsonElement operation) in Operations())
        {
            Assert.NotEmpty(operation.GetProperty("summary").GetString()!);
            Assert.Equal(PlacePattern().Matches(path).Select(match => match.Groups["name"].Value), Parameters(operation, "path"));
            Assert.Contains(operation.GetProperty("responses").EnumerateObject(), answer => answer.Name.StartsWith('2'));
            Assert.True(path.StartsWith("/health/", StringComparison.Ordinal) || operation.GetProperty("responses").TryGetProperty("default", out _), $"{method} {path} does not say how it refuses");
        }
    }

    [Fact]
    public async Task The_parameters_are_those_that_the_routes_know()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        foreach ((string method, string path, JsonElement operation) in Operations().Where(one => one.Method == "GET" && one.Path.StartsWith("/api/", StringComparison.Ordinal) && !one.Path.Contains("{command}", StringComparison.Ordinal)))
        {
            using HttpResponseMessage answer = await server.GetAsync($"{PlacePattern().Replace(path, "x")}?colour=red");
            string detail = JsonElement.Parse(await answer.Content.ReadAsStringAsync(ServerHost.Cancel)).GetProperty("detail").GetString()!;
            // The open demo has nobody who may administer.
            if (SecurityOf(operation) != "admin or session")
            {
                Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{path}: {answer.StatusCode} {detail}");
                string[] known = KnownPattern().Match(detail).Groups["names"].Value is var names and not "none" ? names.Split(", ") : [];
                Assert.Equal(known.Order(StringComparer.Ordinal), Parameters(operation, "query").Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void Questions_and_commands_to_workers_are_those_that_workers_know()
    {
        JsonElement inspect = Operation("/api/v1/inspect/{command}", "get"), control = Operation("/api/v1/control/{command}", "post");
        Assert.Equal(WorkerCommand.Inspections.Select(command => command.Name), Words(inspect));
        Assert.Equal(WorkerCommand.Controls.Select(command => command.Name), Words(control));
        Assert.Equal(
            Sorted(WorkerCommand.Inspections.SelectMany(command => command.Fields).Select(field => field.Name).Concat(["source", "worker", "timeout"])), Sorted(Parameters(inspect, "query")));
        Assert.Equal(
            Sorted(WorkerCommand.Controls.SelectMany(command => command.Fields).Select(field => field.Name).Concat(["source", "workers", "timeout"])),
            Sorted(Schemas.Properties(Document.GetProperty("components").GetProperty("schemas").GetProperty("ControlBody")).Keys));

        static IEnumerable<string?> Words(JsonElement operation) => operation.GetProperty("parameters")[0].GetProperty("schema").GetProperty("enum").EnumerateArray().Select(word => word.GetString());
    }

    [Fact]
    public void Bodies_have_the_fields_that_are_read()
    {
        Type[] read = [.. typeof(OpenApi).Assembly.GetTypes().Where(type => type is { IsNested: true, Namespace: "Belfry.Server.Api" } && type.Name.EndsWith("Body", StringComparison.Ordinal))];
        Assert.Equal(Bodies.Keys.Order(StringComparer.Ordinal), read.Select(type => $"{type.DeclaringType!.Name}.{type.Name}").Order(StringComparer.Ordinal));
        foreach (Type type in read)
        {
            string schema = Bodies[$"{type.DeclaringType!.Name}.{type.Name}"];
            Assert.Equal(
                Sorted(type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is not null).Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name))),
                Sorted(Schemas.Properties(Document.GetProperty("components").GetProperty("schemas").GetProperty(schema)).Keys));
        }
    }

    [Fact]
    public async Task It_is_told_to_those_who_may_see_with_the_path_under_which_all_is_mounted()
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true, path: "/belfry");
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.GetAsync("/belfry/openapi/v1.json")).StatusCode);
        server.WithToken();
        Assert.Equal("/belfry", (await server.JsonAsync("/belfry/openapi/v1.json")).GetProperty("servers")[0].GetProperty("url").GetString());
    }

    /// <summary>What of an answer is other than its operation says.</summary>
    internal static IEnumerable<string> Problems(string method, string path, HttpResponseMessage answer, string text)
    {
        JsonElement answers = Operation(path, method.ToLowerInvariant()).GetProperty("responses");
        if (!answers.TryGetProperty($"{(int)answer.StatusCode}", out JsonElement said) && !answers.TryGetProperty("default", out said))
        {
            return [$"{method} {path}: {answer.StatusCode} is not described"];
        }
        string type = answer.Content.Headers.ContentType!.MediaType!;
        return !Schemas.Resolved(said).GetProperty("content").TryGetProperty(type, out JsonElement content) ? [$"{method} {path}: {type} is not described"]
            : type is "application/json" or "application/problem+json" ? Schemas.Problems(content.GetProperty("schema"), JsonElement.Parse(text)).Select(problem => $"{method} {path} {(int)answer.StatusCode}: {problem}")
            : type is "application/x-ndjson" ? text.Split('\n', StringSplitOptions.RemoveEmptyEntries).SelectMany(line => Schemas.Problems(content.GetProperty("schema"), JsonElement.Parse(line)))
            : [];
    }

    /// <summary>All operations.</summary>
    internal static IEnumerable<(string Method, string Path, JsonElement Operation)> Operations() =>
        from path in Document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select (operation.Name.ToUpperInvariant(), path.Name, operation.Value);

    static JsonElement Operation(string path, string method) => Document.GetProperty("paths").GetProperty(path).GetProperty(method);

    static IEnumerable<string> Parameters(JsonElement operation, string place) => !operation.TryGetProperty("parameters", out JsonElement parameters) ? []
        : parameters.EnumerateArray().Select(Schemas.Resolved).Where(parameter => parameter.GetProperty("in").GetString() == place).Select(parameter => parameter.GetProperty("name").GetString()!);

    static string SecurityOf(JsonElement operation) => string.Join(" or ", operation.GetProperty("security").EnumerateArray()
        .SelectMany(way => way.EnumerateObject()).Select(way => way.Value.EnumerateArray().Select(scope => scope.GetString()!).FirstOrDefault(way.Name)));

    static string ScopeOf(Right? right) => right switch
    {
        null => "", Right.View => "read", Right.Report => "write", Right.Run => "run", Right.Administer => "admin", _ => "manage",
    };

    static IEnumerable<string> Sorted(IEnumerable<string> names) => names.Distinct().Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.None, 1000)]
    private static partial Regex PlacePattern();

    [GeneratedRegex(@"known (?:are|is) (?<names>.*)\.$", RegexOptions.None, 1000)]
    private static partial Regex KnownPattern();
}
