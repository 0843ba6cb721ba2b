namespace Belfry.Cli;

/// <summary><c>belfry token …</c>: what programs may do.</summary>
static class TokenVerb
{
    public static Verb Build() => new("token", "Tokens of programs");
}
