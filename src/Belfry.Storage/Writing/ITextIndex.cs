namespace Belfry.Storage.Writing;

/// <summary>An engine's index of the texts of runs, which follows the log in small pieces.</summary>
interface ITextIndex
{
    /// <summary>Does what is next.</summary>
    /// <exception cref="NotSupportedException">This engine cannot keep one; the message says what it lacks.</exception>
    /// <exception cref="StoreException">The store cannot be read or written at present.</exception>
    Task<TextWork> WorkAsync(CancellationToken cancel);
}

/// <summary>What is left to do.</summary>
enum TextWork
{
    /// <summary>There is more.</summary>
    More,

    /// <summary>Nothing at present.</summary>
    Rest,

    /// <summary>Nothing ever: there is no index any more.</summary>
    Over,
}
