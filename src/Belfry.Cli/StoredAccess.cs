using System.CommandLine;
using Belfry.Server.Access;
using Belfry.Storage;

namespace Belfry.Cli;

/// <summary>Accounts, tokens and audit of the store that a line names; a server may run beside and takes up changes within a second.</summary>
static class StoredAccess
{
    /// <summary>Changes something.</summary>
    /// <param name="line">The line.</param>
    /// <param name="change">The change.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="makes">The store is made where there is none yet; else a wrong folder would only be told as a user that is not there.</param>
    public static async Task<T> ChangeAsync<T>(ParseResult line, Func<AccessStore, Task<T>> change, CancellationToken cancel, bool makes = false)
    {
        StoreUrl url = StoreUrl.Parse(Common.Settings(line).Store);
        if (url is { Path: null } && url.Text == "memory:")
        {
            throw new UsageException("a log in memory is gone with its server, and so are its accounts: open the link that the server prints at its start");
        }
        if (!makes && url.Path is { } path && !File.Exists(path))
        {
            throw new StoreException($"{url} is not there.");
        }
        using StoreTables tables = await StoreTables.OpenAsync(url, AccessStore.Scripts, cancel);
        return await change(new AccessStore(tables, TimeProvider.System));
    }

    /// <summary>Reads something; null where nothing of it was ever stored.</summary>
    public static async Task<T?> ReadAsync<T>(ParseResult line, Func<AccessStore, Task<T>> read, CancellationToken cancel)
        where T : class
    {
        using StoreTables? tables = await StoreTables.OpenForReadingAsync(StoreUrl.Parse(Common.Settings(line).Store), AccessStore.Scripts, cancel);
        return tables is null ? null : await read(new AccessStore(tables, TimeProvider.System));
    }

    /// <summary>Says what became of a change.</summary>
    public static int Said(AccountChange done, string what, string name, string? word = null) => done switch
    {
        AccountChange.Done => Talk(word),
        AccountChange.Taken => throw new DeclinedException($"a {what} '{name}' is there already"),
        AccountChange.LastAdmin => throw new DeclinedException($"{name} is the last administrator"),
        _ => throw new DeclinedException($"there is no {what} '{name}'"),
    };

    static int Talk(string? word)
    {
        if (word is not null)
        {
            Console.Error.WriteLine(word);
        }
        return Exits.Done;
    }
}
