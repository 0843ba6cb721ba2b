namespace Belfry.Server.Access;

/// <summary>Names and ids that stand in a route.</summary>
static class RouteName
{
    /// <summary>As it was meant: routing leaves an encoded slash as it is.</summary>
    public static string Decoded(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
