namespace Belfry.Storage.Sqlite;

/// <summary>
/// Tells whether the process that claimed a call still lives: each holds a byte of the file <c>LOG-workers</c> locked, and the system lets go of
/// it when the process ends, however it ends.
/// </summary>
sealed class WorkerMark : IDisposable
{
    static readonly HashSet<(string, int)> Ours = []; // of this process: a lock does not stop who holds it; Dispose empties it

    readonly string _path;
    readonly FileStream? _file;

    WorkerMark(string path, FileStream? file, int number) => (_path, _file, Number) = (path, file, number);

    /// <summary>The byte; no two processes have the same.</summary>
    public int Number { get; }

    /// <summary>Makes this process known as a worker of a log.</summary>
    public static WorkerMark Take(StoreUrl url)
    {
        string path = url.Path ?? "";
        // A region of a file cannot be locked on the last two: there a log has one worker at a time.
        FileStream? file = url.Path is null || OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD() ? null
            : new FileStream(path + "-workers", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        while (true)
        {
            int number = Random.Shared.Next(1, int.MaxValue);
            if (TryLock(file, number))
            {
                lock (Ours)
                {
                    Ours.Add((path, number));
                }
                return new WorkerMark(path, file, number);
            }
        }
    }

    /// <summary>The process with that byte lives.</summary>
    public bool IsAlive(int number)
    {
        lock (Ours)
        {
            if (Ours.Contains((_path, number)))
            {
                return true;
            }
        }
        bool isFree = TryLock(_file, number);
        if (isFree)
        {
            Unlock(_file, number);
        }
        return !isFree;
    }

    public void Dispose()
    {
        lock (Ours)
        {
            Ours.Remove((_path, Number));
        }
        Unlock(_file, Number);
        _file?.Dispose();
    }

    static bool TryLock(FileStream? file, int number)
    {
        try
        {
            Lock(file, number);
            return true;
        }
        catch (IOException)
        {
            return false; // another process has it
        }
    }

    static void Lock(FileStream? file, int number)
    {
        if (file is not null && !OperatingSystem.IsMacOS() && !OperatingSystem.IsFreeBSD())
        {
            file.Lock(number, 1);
        }
    }

    static void Unlock(FileStream? file, int number)
    {
        if (file is not null && !OperatingSystem.IsMacOS() && !OperatingSystem.IsFreeBSD())
        {
            file.Unlock(number, 1);
        }
    }
}
