using System.Runtime.InteropServices;
using System.Text;

namespace Belfry.Storage.Sqlite;

/// <summary>A prepared statement. Parameters count from 1, columns from 0, as SQLite has it.</summary>
sealed unsafe class Statement(Database database, nint handle) : IDisposable
{
    static readonly nint Transient = -1; // SQLite copies the bytes
    static readonly nint Static = 0;     // they stay as they are until bound again
    const int MostKept = 64 * 1024;      // a larger one is SQLite's to copy, and to give back
    nint _handle = handle;
    Kept[] _kept = [];

    /// <summary>Ready for the next use. Parameters keep their values until bound again.</summary>
    public void Reset() => _ = Native.Reset(_handle);

    /// <summary>The next row; false at the end.</summary>
    public bool Step()
    {
        int code = Native.Step(_handle);
        return code switch
        {
            Native.Row => true,
            Native.Done => false,
            _ => throw database.Error(code),
        };
    }

    /// <summary>Runs it to its end, and makes it ready for the next use whatever came of it.</summary>
    public void Run()
    {
        int code;
        do
        {
            code = Native.Step(_handle);
        }
        while (code == Native.Row);
        SqliteException? refused = code == Native.Done ? null : database.Error(code);
        _ = Native.Reset(_handle);
        if (refused is not null)
        {
            throw refused;
        }
    }

    /// <summary>Runs an insert; false when a key of it is taken.</summary>
    public bool TryRun()
    {
        int code = Native.Step(_handle);
        SqliteException? refused = code == Native.Done ? null : database.Error(code);
        _ = Native.Reset(_handle);
        return refused is null || (refused.Code == Native.Constraint ? false : throw refused);
    }

    public Statement Bind(int index, long value)
    {
        _ = Native.BindInt64(_handle, index, value);
        return this;
    }

    public Statement Bind(int index, double value)
    {
        _ = Native.BindDouble(_handle, index, value);
        return this;
    }

    public Statement BindNull(int index)
    {
        _ = Native.BindNull(_handle, index);
        return this;
    }

    public Statement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public Statement Bind(int index, double? value) => value is { } number ? Bind(index, number) : BindNull(index);

    /// <summary>Binds bytes. They are copied to where they stay, once for each parameter: SQLite would take and give back memory for each value.</summary>
    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        if (index >= _kept.Length)
        {
            Array.Resize(ref _kept, index + 4);
        }
        int code;
        fixed (byte* large = value)
        {
            code = value.Length > MostKept
                ? Native.BindBlob(_handle, index, large, value.Length, Transient)
                : Native.BindBlob(_handle, index, _kept[index].Take(value), value.Length, Static);
        }
        return code == Native.Ok ? this : throw database.Error(code);
    }

    public Statement Bind(int index, string? value)
    {
        if (value is null)
        {
            return BindNull(index);
        }
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        fixed (byte* start = bytes)
        {
            byte nothing = 0;
            int code = Native.BindText(_handle, index, start == null ? &nothing : start, bytes.Length, Transient);
            return code == Native.Ok ? this : throw database.Error(code);
        }
    }

    public bool IsNull(int column) => Native.ColumnType(_handle, column) == Native.TypeNull;

    public bool IsText(int column) => Native.ColumnType(_handle, column) == Native.TypeText;

    public long Int64(int column) => Native.ColumnInt64(_handle, column);

    public int Int32(int column) => (int)Native.ColumnInt64(_handle, column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    public double Double(int column) => Native.ColumnDouble(_handle, column);

    public double? DoubleOrNull(int column) => IsNull(column) ? null : Double(column);

    /// <summary>The bytes of a blob or text, valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column)
    {
        byte* start = Native.ColumnBlob(_handle, column);
        return new ReadOnlySpan<byte>(start, start == null ? 0 : Native.ColumnBytes(_handle, column));
    }

    public string? Text(int column) => IsNull(column) ? null : Encoding.UTF8.GetString(Bytes(column));

    /// <summary>Whatever is there: a long, a double, a string, bytes or null.</summary>
    public object? Value(int column) => Native.ColumnType(_handle, column) switch
    {
        Native.TypeInteger => Int64(column),
        Native.TypeReal => Double(column),
        Native.TypeText => Text(column),
        Native.TypeBlob => Bytes(column).ToArray(),
        _ => null,
    };

    /// <summary>Binds what <see cref="Value"/> reads.</summary>
    public Statement BindValue(int index, object? value) => value switch
    {
        null => BindNull(index),
        long number => Bind(index, number),
        double real => Bind(index, real),
        string text => Bind(index, text),
        byte[] bytes => Bind(index, bytes),
        _ => throw new ArgumentException($"a {value.GetType()} cannot be stored", nameof(value)),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Native.Finalize(_handle);
        _handle = 0;
        foreach (Kept kept in _kept)
        {
            NativeMemory.Free(kept.Start);
        }
        _kept = [];
    }

    /// <summary>Where the bytes of a parameter lie.</summary>
    struct Kept
    {
        const int Least = 16;
        int _room;

        public byte* Start { get; private set; }

        public byte* Take(ReadOnlySpan<byte> value)
        {
            if (_room < value.Length || _room == 0)
            {
                _room = Math.Max(Least, value.Length + (value.Length / 2));
                Start = (byte*)NativeMemory.Realloc(Start, (nuint)_room);
            }
            value.CopyTo(new Span<byte>(Start, _room));
            return Start;
        }
    }
}
