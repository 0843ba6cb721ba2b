using Belfry.Storage.Rollups;
using Npgsql;

namespace Belfry.Storage.Postgres.Rows;

/// <summary>How far the figures of a PostgreSQL store are kept and added up.</summary>
static class MarkTable
{
    public const string Read = "SELECT kept, added FROM belfry.rollup_mark ORDER BY level";

    /// <summary>Kept, added, level.</summary>
    public const string Write = "UPDATE belfry.rollup_mark SET kept = $1, added = $2 WHERE level = $3";

    /// <summary>The answer to <see cref="Read"/>.</summary>
    public static RollupMarks Of(NpgsqlDataReader row)
    {
        row.Read();
        (long minutesKept, long minutesAdded) = (row.GetInt64(0), row.GetInt64(1));
        row.Read();
        return new RollupMarks(minutesKept, minutesAdded, row.GetInt64(0), row.GetInt64(1));
    }
}
