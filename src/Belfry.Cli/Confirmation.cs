namespace Belfry.Cli;

/// <summary>Asks before something that cannot be undone.</summary>
static class Confirmation
{
    /// <summary>Whether the answer is yes; anything else, and nobody there to answer, is no.</summary>
    public static bool Given(string question)
    {
        Console.Error.Write($"{question} (y/N) ");
        return Console.In.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}
