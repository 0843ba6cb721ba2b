using Belfry.Storage.Payloads;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>What one reader needs besides rows; used by one at a time.</summary>
sealed class RowContext(NameTable names, PayloadUnpacker unpacker) : IRowContext, IDisposable
{
    public string? Text(long? number) => number is { } known ? names.Text((int)known) : null;

    public ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> payload) => unpacker.Unpack(payload);

    public void Dispose() => unpacker.Dispose();
}
