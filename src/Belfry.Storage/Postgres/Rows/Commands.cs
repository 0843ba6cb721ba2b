using Npgsql;
using NpgsqlTypes;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>Statements with their parameters, for a batch.</summary>
static class Commands
{
    /// <summary>A statement; a parameter is a value, or one that knows its type.</summary>
    public static NpgsqlBatchCommand Of(string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (object? value in parameters)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
        }
        return command;
    }

    /// <summary>Numbers of transactions; Npgsql cannot tell them from other numbers.</summary>
    public static NpgsqlParameter Xids(List<uint> numbers) => new() { Value = numbers, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Xid };
}
