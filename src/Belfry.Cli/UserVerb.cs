namespace Belfry.Cli;

/// <summary><c>belfry user …</c>: who may log in.</summary>
static class UserVerb
{
    public static Verb Build() => new("user", "Users of the pages");
}
