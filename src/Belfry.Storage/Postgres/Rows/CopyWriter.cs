using System.Buffers.Binary;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Rows in the binary form of COPY: the server takes them faster than any INSERT, and writing them costs next to nothing.</summary>
/// <remarks>Npgsql has an importer, too; it asks for a converter at every value, which costs more than all else of it.</remarks>
sealed class CopyWriter
{
    // The signature, no flags, no extension.
    static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xff, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    byte[] _bytes = new byte[64 * 1024]; // as long as the longest group so far
    int _length;

    /// <summary>There are no rows.</summary>
    public bool IsEmpty => _length <= Header.Length;

    /// <summary>Begins with no rows.</summary>
    public void Begin()
    {
        _length = 0;
        Header.CopyTo(Room(Header.Length));
    }

    /// <summary>Begins a row.</summary>
    public void Row(int columns) => BinaryPrimitives.WriteInt16BigEndian(Room(sizeof(short)), (short)columns);

    public void Null() => BinaryPrimitives.WriteInt32BigEndian(Room(sizeof(int)), -1);

    public void Write(short value) => BinaryPrimitives.WriteInt16BigEndian(Field(sizeof(short)), value);

    public void Write(int value) => BinaryPrimitives.WriteInt32BigEndian(Field(sizeof(int)), value);

    public void Write(long value) => BinaryPrimitives.WriteInt64BigEndian(Field(sizeof(long)), value);

    public void Write(UInt128 uuid) => BinaryPrimitives.WriteUInt128BigEndian(Field(16), uuid);

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Field(bytes.Length));

    public void Write(int? value)
    {
        if (value is { } known)
        {
            Write(known);
        }
        else
        {
            Null();
        }
    }

    public void Write(long? value)
    {
        if (value is { } known)
        {
            Write(known);
        }
        else
        {
            Null();
        }
    }

    public void Write(UInt128? uuid)
    {
        if (uuid is { } known)
        {
            Write(known);
        }
        else
        {
            Null();
        }
    }

    /// <summary>Sends all rows.</summary>
    public void Send(NpgsqlConnection connection, string table, string columns)
    {
        BinaryPrimitives.WriteInt16BigEndian(Room(sizeof(short)), -1);
        using NpgsqlRawCopyStream stream = connection.BeginRawBinaryCopy($"COPY {table}({columns}) FROM STDIN (FORMAT binary)");
        stream.Write(_bytes.AsSpan(0, _length));
    }

    Span<byte> Field(int length)
    {
        Span<byte> room = Room(sizeof(int) + length);
        BinaryPrimitives.WriteInt32BigEndian(room, length);
        return room[sizeof(int)..];
    }

    Span<byte> Room(int length)
    {
        if (_length + length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + length));
        }
        _length += length;
        return _bytes.AsSpan(_length - length, length);
    }
}
