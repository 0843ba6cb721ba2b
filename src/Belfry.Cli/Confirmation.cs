namespace Belfry.Cli;

/// <summary>Asks before something that cannot be undone.</summary>
static class Confirmation
{
    /// <summary>Whether the answer is yes; anything else, and nobody there to answer, is no.</summary>
    public static async Task<bool> GivenAsync(string question, CancellationToken cancel)
    {
        Console.Error.Write($"{question} (y/N) ");
        return (await TypedAsync(Console.In.ReadLine, cancel))?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    /// <summary>What somebody types. The console reads on whatever happens, so Ctrl-C leaves it behind.</summary>
    public static async Task<T> TypedAsync<T>(Func<T> read, CancellationToken cancel)
    {
        try
        {
            return await Task.Run(read, CancellationToken.None).WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(); // the question stands there still
            throw;
        }
    }
}
