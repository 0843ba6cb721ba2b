namespace Belfry.Storage.Sqlite.Keeping;

/// <summary>A copy of a store by SQLite's own means: it holds one snapshot, so whoever writes meanwhile neither waits nor shows.</summary>
static class Backup
{
    const int PagesAtOnce = 4096; // 16 MB: often enough to be told of, and to be stopped

    public static StoreBackup Write(Database from, string file, IProgress<double>? progress, CancellationToken cancel)
    {
        string partial = file + ".partial";
        if (File.Exists(file) || File.Exists(partial))
        {
            throw new StoreException($"{(File.Exists(file) ? file : partial)} is there already; it stays as it is. Name another file.");
        }
        try
        {
            from.Execute("BEGIN");
            (long ended, long open) = Counts(from); // reads, and so begins the snapshot
            using (Database to = Database.Open(partial, create: true))
            {
                to.CopyFrom(from, PagesAtOnce, share =>
                {
                    cancel.ThrowIfCancellationRequested();
                    progress?.Report(share);
                });
            }
            from.Execute("COMMIT");
            Verify(partial, ended, open);
            File.Move(partial, file, overwrite: false);
            return new StoreBackup(file, new FileInfo(file).Length, ended, open);
        }
        catch (SqliteException refused) when (refused.Code is Native.CannotOpen or Native.Full or Native.ReadOnly or Native.Permission)
        {
            throw new StoreException($"{file} cannot be written: {refused.Problem}", refused); // the store is only read
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{file} cannot be written: {refused.Message}", refused);
        }
        finally
        {
            if (File.Exists(partial))
            {
                File.Delete(partial);
            }
        }
    }

    static void Verify(string file, long ended, long open)
    {
        using Database copy = Database.Open(file, create: false);
        IReadOnlyList<string> damage = Damage(copy);
        if (damage.Count > 0 || Counts(copy) != (ended, open))
        {
            throw new StoreException($"the copy is not what was copied: {(damage.Count > 0 ? damage[0] : "the number of runs differs")}. Run 'belfry doctor' on the store.");
        }
        copy.Execute("PRAGMA journal_mode = DELETE"); // one file, without a log beside it; a server turns it back
    }

    /// <summary>What SQLite finds wrong with the file; nothing when it is whole.</summary>
    public static IReadOnlyList<string> Damage(Database database)
    {
        var found = new List<string>();
        try
        {
            using Statement check = database.PrepareOnce("PRAGMA quick_check(10)");
            while (check.Step())
            {
                found.Add(check.Text(0)!);
            }
        }
        catch (SqliteException met) when (met.IsDamage)
        {
            found.Add(met.Message); // some damage ends the search itself
        }
        return found is ["ok"] ? [] : found;
    }

    static (long Ended, long Open) Counts(Database database) => (database.Number("SELECT count(*) FROM run"), database.Number("SELECT count(*) FROM open"));
}
