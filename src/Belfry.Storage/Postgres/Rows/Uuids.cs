using System.Buffers.Binary;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Ids as PostgreSQL's uuid, both ways.</summary>
static class Uuids
{
    /// <summary>The uuid of a key's bits.</summary>
    public static Guid Of(UInt128 bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The uuid of a key's bits; null for none.</summary>
    public static Guid? Of(UInt128? bits) => bits is { } known ? Of(known) : null;

    /// <summary>The uuid under which an id is kept; null for none.</summary>
    public static Guid? Of(string? id) => id is null ? null : Of(RunKey.Of(id, 0).Bits);

    /// <summary>The bits of a uuid; they sort as PostgreSQL sorts uuids.</summary>
    public static UInt128 BitsOf(Guid uuid)
    {
        Span<byte> bytes = stackalloc byte[16];
        uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
