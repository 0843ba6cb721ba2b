using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>A cell of figures on which a reader stands; its columns begin behind the key.</summary>
sealed class CellRow(NpgsqlDataReader row) : ICellRow
{
    const int First = 1;

    /// <summary>Its key.</summary>
    public long Key => row.GetInt64(0);

    public long Number(int column) => row.GetInt64(First + column);

    public bool IsNull(int column) => row.IsDBNull(First + column);

    public ReadOnlySpan<byte> Bytes(int column) => IsNull(column) ? default : row.GetFieldValue<byte[]>(First + column);
}
