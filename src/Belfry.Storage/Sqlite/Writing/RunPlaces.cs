using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>Finds the row of an ended run that was read before.</summary>
static class RunPlaces
{
    /// <summary>It stands at its instant, or, where that was taken, a little later: so many rows are looked at.</summary>
    const int MostLookedAt = 10_000;

    /// <summary>The row; null when it is not there any more, or is another one by now.</summary>
    public static StoredRow? Find(Database database, TaskRun run, IRowContext names)
    {
        Statement read = database.Prepare($"SELECT at, {RowCodec.Columns} FROM run WHERE at >= ? ORDER BY at LIMIT ?").Bind(1, run.At.Micros).Bind(2, MostLookedAt);
        try
        {
            while (read.Step())
            {
                if (IdColumn.Read(read, 1) == run.Id && RowCodec.Read(read, 1, read.Int64(0), names) is var found && found.Source == run.Source && found.Attempt == run.Attempt)
                {
                    return found == run ? new StoredRow(read.Int64(0), read.Int64(0), IsOpen: false, RowCodec.ReadFacts(read, 1, read.Int64(0), run.Id, names)) : null;
                }
            }
            return null;
        }
        finally
        {
            read.Reset();
        }
    }
}
