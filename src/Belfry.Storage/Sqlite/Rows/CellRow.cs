using Belfry.Storage.Rollups;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>A cell of figures on which a statement stands; its columns begin behind the key.</summary>
sealed class CellRow(Statement row) : ICellRow
{
    const int First = 1;

    /// <summary>Its key.</summary>
    public long Key => row.Int64(0);

    public long Number(int column) => row.Int64(First + column);

    public bool IsNull(int column) => row.IsNull(First + column);

    public ReadOnlySpan<byte> Bytes(int column) => row.Bytes(First + column);
}
