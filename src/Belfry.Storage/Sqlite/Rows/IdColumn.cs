using Belfry.Storage.Rows;

namespace Belfry.Storage.Sqlite.Rows;

/// <summary>An id as SQLite keeps it: the 16 bytes of a UUID, any other as text.</summary>
static class IdColumn
{
    /// <summary>Binds an id; null for none.</summary>
    public static void Bind(Statement statement, int index, string? id)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (id is not null && RunKey.TryUuid(id, bytes))
        {
            statement.Bind(index, bytes);
        }
        else
        {
            statement.Bind(index, id);
        }
    }

    /// <summary>Reads an id.</summary>
    public static string? Read(Statement statement, int column) =>
        statement.IsNull(column) ? null
        : statement.IsText(column) ? statement.Text(column)
        : new Guid(statement.Bytes(column), bigEndian: true).ToString();
}
