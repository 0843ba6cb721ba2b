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

    /// <summary>It is this id.</summary>
    public static bool Is(Statement statement, int column, string id)
    {
        Span<byte> bytes = stackalloc byte[16];
        return RunKey.TryUuid(id, bytes) ? !statement.IsText(column) && statement.Bytes(column).SequenceEqual(bytes) : Read(statement, column) == id;
    }

    /// <summary>Reads an id.</summary>
    public static string? Read(Statement statement, int column) =>
        statement.IsNull(column) ? null
        : statement.IsText(column) ? statement.Text(column)
        : new Guid(statement.Bytes(column), bigEndian: true).ToString();
}
