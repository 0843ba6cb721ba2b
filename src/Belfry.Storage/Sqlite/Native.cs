using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Belfry.Storage.Sqlite;

/// <summary>
/// The few calls of SQLite that the log makes. Our own, because an ADO.NET provider costs 1.35 to 1.7 times the CPU (it boxes integers and
/// wants exact byte arrays); Microsoft.Data.Sqlite is the library one would otherwise take.
/// The system's library is preferred when it is new enough, else the one that comes with us.
/// </summary>
static unsafe partial class Native
{
    public const int Ok = 0, TooBig = 18, Constraint = 19, Mismatch = 20, Row = 100, Done = 101;
    public const int Permission = 3, Busy = 5, Locked = 6, ReadOnly = 8, Failing = 10, Corrupt = 11, Full = 13, CannotOpen = 14, NoDatabase = 26;
    public const int OpenReadWrite = 2, OpenCreate = 4, OpenMemory = 0x80, OpenNoMutex = 0x8000;
    public const int TypeInteger = 1, TypeReal = 2, TypeText = 3, TypeBlob = 4, TypeNull = 5;
    const string Library = "belfry-sqlite";
    const int OldestUsable = 3_035_000; // UPSERT, RETURNING and DROP COLUMN
    const int ConfigMemoryStatus = 9;
    static readonly string[] SystemNames = ["libsqlite3.so.0", "libsqlite3.dylib", "winsqlite3.dll"];

    static Native() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, assembly, _) => name == Library ? Load(assembly) : 0);

    static nint Load(Assembly assembly)
    {
        nint library = Find(assembly);
        // Nobody reads SQLite's statistics of memory, and keeping them takes a lock for each piece of it that is taken or given back.
        var configure = (delegate* unmanaged<int, int, int>)NativeLibrary.GetExport(library, "sqlite3_config");
        _ = configure(ConfigMemoryStatus, 0);
        return library;
    }

    static nint Find(Assembly assembly)
    {
        foreach (string name in SystemNames)
        {
            if (NativeLibrary.TryLoad(name, out nint system))
            {
                var version = (delegate* unmanaged<int>)NativeLibrary.GetExport(system, "sqlite3_libversion_number");
                if (version() >= OldestUsable)
                {
                    return system;
                }
                NativeLibrary.Free(system);
            }
        }
        return NativeLibrary.Load("e_sqlite3", assembly, null);
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_libversion")]
    public static partial byte* Version();

    [LibraryImport(Library, EntryPoint = "sqlite3_open_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, out nint database, int flags, string? vfs);

    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    public static partial int Close(nint database);

    [LibraryImport(Library, EntryPoint = "sqlite3_busy_timeout")]
    public static partial int BusyTimeout(nint database, int milliseconds);

    [LibraryImport(Library, EntryPoint = "sqlite3_db_readonly", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int IsReadOnly(nint database, string name);

    [LibraryImport(Library, EntryPoint = "sqlite3_errmsg")]
    public static partial byte* Message(nint database);

    [LibraryImport(Library, EntryPoint = "sqlite3_changes")]
    public static partial int Changes(nint database);

    [LibraryImport(Library, EntryPoint = "sqlite3_interrupt")]
    public static partial void Interrupt(nint database);

    [LibraryImport(Library, EntryPoint = "sqlite3_wal_hook")]
    public static partial nint OnCommit(nint database, delegate* unmanaged<nint, nint, byte*, int, int> hook, nint context);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v3")]
    public static partial int Prepare(nint database, byte* sql, int bytes, uint flags, out nint statement, out byte* tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    public static partial int Finalize(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_init", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint BackupBegin(nint to, string toName, nint from, string fromName);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_step")]
    public static partial int BackupStep(nint backup, int pages);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_remaining")]
    public static partial int BackupRemaining(nint backup);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_pagecount")]
    public static partial int BackupPages(nint backup);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_finish")]
    public static partial int BackupEnd(nint backup);

    // The calls below only touch memory, so they need not let the garbage collector in. Step may wait for a lock: never there.
    [LibraryImport(Library, EntryPoint = "sqlite3_reset"), SuppressGCTransition]
    public static partial int Reset(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64"), SuppressGCTransition]
    public static partial int BindInt64(nint statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_double"), SuppressGCTransition]
    public static partial int BindDouble(nint statement, int index, double value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null"), SuppressGCTransition]
    public static partial int BindNull(nint statement, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob"), SuppressGCTransition]
    public static partial int BindBlob(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type"), SuppressGCTransition]
    public static partial int ColumnType(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64"), SuppressGCTransition]
    public static partial long ColumnInt64(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_double"), SuppressGCTransition]
    public static partial double ColumnDouble(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob"), SuppressGCTransition]
    public static partial byte* ColumnBlob(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes"), SuppressGCTransition]
    public static partial int ColumnBytes(nint statement, int column);
}
