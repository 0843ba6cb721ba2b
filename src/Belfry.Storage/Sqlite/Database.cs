using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Belfry.Storage.Sqlite;

/// <summary>One connection to a SQLite file. Used by one thread at a time.</summary>
sealed unsafe class Database : IDisposable
{
    /// <summary>So many milliseconds are others waited for that hold the file.</summary>
    public const int Patience = 10_000;

    readonly Dictionary<string, Statement> _prepared = [];
    IDisposable? _companion;
    GCHandle _committed; // whom SQLite tells of commits
    nint _handle;

    Database(nint handle) => _handle = handle;

    /// <summary>The version of the library in use, e.g. <c>3.40.1</c>.</summary>
    public static string LibraryVersion => Marshal.PtrToStringUTF8((nint)Native.Version())!;

    /// <summary>Opens a file, or a database in memory when the path is null.</summary>
    /// <exception cref="SqliteException">It cannot be opened.</exception>
    public static Database Open(string? path, bool create)
    {
        if (create && path is not null)
        {
            MakePrivate(path);
        }
        int flags = Native.OpenReadWrite | Native.OpenNoMutex | (create ? Native.OpenCreate : 0) | (path is null ? Native.OpenMemory : 0);
        int code = Native.Open(path ?? ":memory:", out nint handle, flags, null);
        var database = new Database(handle);
        if (code != Native.Ok)
        {
            using (database)
            {
                throw database.Error(code);
            }
        }
        _ = Native.BusyTimeout(handle, Patience);
        return database;
    }

    /// <summary>
    /// A new file is its owner's alone: arguments of tasks are other people's data, and the keys of sessions lie in it. What SQLite puts beside
    /// it has the same rights; a file that is there keeps its own.
    /// </summary>
    static void MakePrivate(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && !File.Exists(path))
            {
                const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = owner }).Dispose();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // another process made it first, or it cannot be made: SQLite says which
        }
    }

    /// <summary>A statement, prepared once and kept; it comes reset. One use at a time.</summary>
    public Statement Prepare(string sql)
    {
        if (!_prepared.TryGetValue(sql, out Statement? statement))
        {
            byte[] text = Encoding.UTF8.GetBytes(sql);
            fixed (byte* start = text)
            {
                int code = Native.Prepare(_handle, start, text.Length, 1, out nint handle, out _);
                if (code != Native.Ok)
                {
                    throw Error(code, sql);
                }
                statement = new Statement(this, handle);
            }
            _prepared.Add(sql, statement);
        }
        statement.Reset();
        return statement;
    }

    /// <summary>A statement for one use; dispose it.</summary>
    public Statement PrepareOnce(string sql)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql);
        fixed (byte* start = text)
        {
            int code = Native.Prepare(_handle, start, text.Length, 0, out nint handle, out _);
            return code == Native.Ok ? new Statement(this, handle) : throw Error(code, sql);
        }
    }

    /// <summary>Runs a script of several statements without parameters.</summary>
    public void Execute(string script)
    {
        byte[] text = Encoding.UTF8.GetBytes(script + "\0");
        fixed (byte* start = text)
        {
            byte* at = start;
            while (at < start + text.Length - 1)
            {
                int code = Native.Prepare(_handle, at, -1, 0, out nint handle, out byte* tail);
                if (code != Native.Ok)
                {
                    throw Error(code, script);
                }
                at = tail;
                if (handle != 0)
                {
                    using var statement = new Statement(this, handle);
                    while (statement.Step())
                    {
                    }
                }
            }
        }
    }

    /// <summary>The first column of the first row, or the default when there is none.</summary>
    public long Number(string sql)
    {
        using Statement statement = PrepareOnce(sql);
        return statement.Step() ? statement.Int64(0) : 0;
    }

    /// <summary>The file cannot be written by this user.</summary>
    public bool IsReadOnly => Native.IsReadOnly(_handle, "main") == 1;

    /// <summary>Rows changed by the last statement.</summary>
    public int Changes => Native.Changes(_handle);

    /// <summary>What a reader keeps for this connection; made once, and gone with it.</summary>
    public T Companion<T>(Func<T> make)
        where T : class, IDisposable
    {
        _companion ??= make();
        return (T)_companion;
    }

    /// <summary>Becomes a copy of another database, so many pages at a time; told the share that is done after each.</summary>
    public void CopyFrom(Database other, int pagesAtOnce, Action<double> told)
    {
        nint backup = Native.BackupBegin(_handle, "main", other._handle, "main");
        if (backup == 0)
        {
            throw Error(Native.Full);
        }
        int code;
        try
        {
            while ((code = Native.BackupStep(backup, pagesAtOnce)) == Native.Ok)
            {
                told(1 - ((double)Native.BackupRemaining(backup) / Math.Max(1, Native.BackupPages(backup))));
            }
        }
        finally
        {
            _ = Native.BackupEnd(backup);
        }
        if (code != Native.Done)
        {
            throw Error(code);
        }
    }

    /// <summary>
    /// Has somebody told behind each commit of this connection how many pages the write-ahead log has. From then on checkpoints are theirs: SQLite's own
    /// hang on the same hook. Whoever is told does not throw.
    /// </summary>
    public void OnCommit(Action<int> told)
    {
        _committed = GCHandle.Alloc(told);
        _ = Native.OnCommit(_handle, &Committed, GCHandle.ToIntPtr(_committed));
    }

    /// <summary>Makes the statement that another thread is running fail soon.</summary>
    public void Interrupt() => Native.Interrupt(_handle);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in _prepared.Values)
        {
            statement.Dispose();
        }
        _prepared.Clear();
        _companion?.Dispose();
        _ = Native.Close(_handle);
        _handle = 0;
        if (_committed.IsAllocated)
        {
            _committed.Free();
        }
    }

    [UnmanagedCallersOnly]
    static int Committed(nint told, nint database, byte* name, int pages)
    {
        ((Action<int>)GCHandle.FromIntPtr(told).Target!)(pages);
        return Native.Ok;
    }

    internal SqliteException Error(int code, string? sql = null)
    {
        string message = _handle == 0 ? $"error {code}" : Marshal.PtrToStringUTF8((nint)Native.Message(_handle))!;
        return new SqliteException(code, message, sql);
    }
}

/// <summary>What SQLite refuses.</summary>
/// <param name="code">Its code.</param>
/// <param name="said">What it says.</param>
/// <param name="sql">Of which statement, when it never began.</param>
sealed class SqliteException(int code, string said, string? sql = null) : Exception(sql is null ? said : $"{said} in: {sql}")
{
    /// <summary>Its primary code.</summary>
    public int Code { get; } = code & 0xFF;

    /// <summary>The file is not what it should be: waiting does not help, and other rows may be whole.</summary>
    public bool IsDamage => Code is Native.Corrupt or Native.NoDatabase;

    /// <summary>The values were refused, not the file: waiting would not help.</summary>
    public bool IsOurFault => Code is Native.TooBig or Native.Constraint or Native.Mismatch;

    /// <summary>What is wrong and what to do, in words for an operator.</summary>
    public string Problem => Code switch
    {
        Native.Full => "the disk is full",
        Native.Busy or Native.Locked => "another process holds it locked; end that one, it may be a sqlite3 shell with an open transaction",
        Native.ReadOnly or Native.Permission => "it is read-only for this user; give them the right to write the file and its folder",
        Native.CannotOpen => "the file cannot be opened; its folder must be there, and this user must have the right to write into it (SQLite needs that to read as well)",
        Native.Corrupt => $"the file is damaged ({said}); 'belfry doctor' tells where. Stop the server, keep a copy of the file, and go on with a backup",
        Native.NoDatabase => "it is no SQLite database, or its first page is damaged; name another file, or go on with a backup",
        Native.Failing => $"the disk fails ({said})",
        _ => Message,
    };
}
