using System.Text.Json;
using Belfry.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Belfry.Server.Api;

/// <summary><c>GET /openapi/v1.json</c>: the description of these routes, the file beside this one. It is written by hand; tests ask the routes whether it is true.</summary>
static class OpenApi
{
    const string Path = "/openapi/v1.json", AtTheRoot = "\"url\": \"/\"";

    static readonly string Text = Read();

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Tell).RequireScope(Right.View);

    /// <summary>With the path under which all is mounted.</summary>
    static IResult Tell(HttpRequest request)
    {
        string root = $"{request.PathBase}{request.Path}"[..^Path.Length];
        return Results.Content(root.Length == 0 ? Text : Text.Replace(AtTheRoot, $"\"url\": \"{JsonEncodedText.Encode(root)}\"", StringComparison.Ordinal), "application/json; charset=utf-8");
    }

    static string Read()
    {
        using var reader = new StreamReader(typeof(OpenApi).Assembly.GetManifestResourceStream("Belfry.Server.Api.openapi.json")!);
        return reader.ReadToEnd();
    }
}
