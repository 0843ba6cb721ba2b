using System.Globalization;
using System.Text;

namespace Belfry.Storage.Sqlite;

/// <summary>
/// Two servers never share one SQLite log: whoever serves it, or copies it away, holds the file <c>LOG-server</c> locked, in which stands who that is.
/// The system lets go of the lock when the process ends, however it ends; so the file may stay.
/// </summary>
sealed class ServerClaim : IDisposable
{
    const long Beyond = 1 << 20; // what is locked lies behind the text, so that others can read who it is

    readonly FileStream _file;

    ServerClaim(FileStream file) => _file = file;

    /// <summary>Takes the claim.</summary>
    /// <exception cref="StoreException">Another process has it.</exception>
    public static ServerClaim? Take(StoreUrl url, TimeProvider clock)
    {
        if (url.Path is null || OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD())
        {
            return null; // a region of a file cannot be locked there
        }
        FileStream file = Open(url);
        try
        {
            file.Lock(Beyond, 1);
        }
        catch (IOException)
        {
            using var reader = new StreamReader(file);
            throw new StoreException($"{url} is in use by {reader.ReadToEnd().Trim()}. Two servers never share one SQLite log: end that process, name another store, or keep the log on PostgreSQL.");
        }
        string who = string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName} since {Instant.Now(clock)}");
        file.SetLength(0);
        file.Write(Encoding.UTF8.GetBytes(who));
        file.Flush();
        return new ServerClaim(file);
    }

    static FileStream Open(StoreUrl url)
    {
        try
        {
            return new FileStream(url.Path + "-server", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (UnauthorizedAccessException)
        {
            throw new StoreException($"{url} cannot be opened: {new SqliteException(Native.ReadOnly, "").Problem}");
        }
    }

    public void Dispose() => _file.Dispose();
}
