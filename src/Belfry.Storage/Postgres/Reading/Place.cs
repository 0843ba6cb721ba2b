using System.Globalization;
using Belfry.Storage.Postgres.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Reading;

/// <summary>A place in the log: the order of pages is that of instants, and at one instant that of ids. A run keeps its place when it ends.</summary>
readonly record struct Place(long At, UInt128 Id, int Source, int Attempt)
{
    /// <summary>Before the newest run.</summary>
    public static readonly Place Newest = new(long.MaxValue, UInt128.MaxValue, int.MaxValue, int.MaxValue);

    /// <summary>Behind the oldest run.</summary>
    public static readonly Place Oldest = new(long.MinValue, UInt128.MinValue, 0, 0);

    public static Place Of(NpgsqlDataReader row) => new(
        row.GetInt64(RunColumns.At), Uuids.BitsOf(row.GetGuid(RunColumns.Id)), row.GetInt32(RunColumns.Source), row.GetInt32(RunColumns.Attempt));

    public static Place Parse(string text)
    {
        string[] parts = text.Split('.');
        return parts.Length == 4 && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long at)
            && UInt128.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 id)
            && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int source)
            && int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out int attempt)
            ? new Place(at, id, source, attempt)
            : throw new FormatException($"cursor '{text}' is not one of ours");
    }

    public bool IsNewerThan(Place other) => (At, Id, Source, Attempt).CompareTo((other.At, other.Id, other.Source, other.Attempt)) > 0;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{At}.{Id:x}.{Source}.{Attempt}");
}
