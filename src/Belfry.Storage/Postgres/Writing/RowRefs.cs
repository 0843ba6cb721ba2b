using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>Rows of one table that a group takes away or touches, each as it was read: those that somebody else has written since stay as they are.</summary>
sealed class RowRefs(string table)
{
    readonly List<(UInt128 Id, int Source, int Attempt, long At, uint Version)> _rows = [];

    // Within run_done only the instant leads to the partition.
    readonly string _where = $"""
        unnest($1, $2, $3, $4, $5) AS old(id, source, attempt, at, version)
        WHERE {(table == "run_done" ? "run.at = old.at AND " : "")}run.id = old.id AND run.source = old.source AND run.attempt = old.attempt AND run.xmin = old.version
        """;

    /// <summary>How many.</summary>
    public int Count => _rows.Count;

    public void Clear() => _rows.Clear();

    public void Add(RunKey key, StoredRow row) => Add(key, row.Fold.Run.Attempt, row.Fold.Run.At.Micros, row.Version);

    public void Add(RunKey key, int attempt, long at, uint version) => _rows.Add((key.Bits, key.Source, attempt, at, version));

    /// <summary>Takes them away; it tells how many were as they had been.</summary>
    public NpgsqlBatchCommand ToDelete() => Of($"DELETE FROM {table} AS run USING {_where}");

    /// <summary>Gives them a new version and changes nothing else; for keys it sets the instant.</summary>
    public NpgsqlBatchCommand ToTouch() => Of($"UPDATE {table} AS run SET at = old.at FROM {_where}");

    /// <summary>In the order of their ids: so two who change the same rows never wait for each other in a circle.</summary>
    NpgsqlBatchCommand Of(string sql)
    {
        _rows.Sort();
        return Commands.Of(
            sql, _rows.ConvertAll(row => Uuids.Of(row.Id)), _rows.ConvertAll(row => row.Source), _rows.ConvertAll(row => row.Attempt), _rows.ConvertAll(row => row.At),
            Commands.Xids(_rows.ConvertAll(row => row.Version)));
    }
}
