using Belfry.Storage.Sqlite;
using Belfry.Storage.Sqlite.Writing;

namespace Belfry.Storage.Tests;

/// <summary>The write-ahead log of a SQLite file, and how it comes into the file.</summary>
public sealed class CheckpointTests
{
    const int Every = 100, MostPages = 8 * Every, PagesOfCommit = 10, PageSize = 4096;

    [Fact]
    public async Task The_write_ahead_log_begins_anew_while_the_writer_goes_on()
    {
        await using var folder = new LogFolder();
        using Database writer = Make(folder.File);
        using (var checkpoints = new Checkpoints(folder.File, writer, Every))
        {
            long version = writer.Number("PRAGMA data_version");
            Write(writer, commits: 600);
            Assert.InRange(WrittenAhead(folder), 1, (MostPages + (3 * PagesOfCommit)) * (PageSize + 24));
            Assert.True(new FileInfo(folder.File).Length > 4000 * PageSize, "nothing came into the file");
            Assert.Equal(version, writer.Number("PRAGMA data_version")); // else the log would read everything again, as if another process had written
        }
        Assert.Equal(600, Count(folder.File));
    }

    [Fact]
    public async Task Whoever_reads_an_old_snapshot_holds_nobody_up()
    {
        await using var folder = new LogFolder();
        using Database writer = Make(folder.File);
        using var checkpoints = new Checkpoints(folder.File, writer, Every);
        Write(writer, commits: 5);
        using (Database reader = Database.Open(folder.File, create: false))
        {
            reader.Execute("BEGIN");
            Assert.Equal(5, reader.Number("SELECT count(*) FROM page"));
            Write(writer, commits: 300);
            Assert.Equal(5, reader.Number("SELECT count(*) FROM page"));
        }
        long before = WrittenAhead(folder);
        Assert.True(before > 2 * MostPages * PageSize, "the reader's snapshot went away");
        Write(writer, commits: 600);
        Assert.Equal(905, Count(folder.File));
        Assert.InRange(WrittenAhead(folder), before, before + (Every * PagesOfCommit * PageSize)); // it has begun anew
    }

    static Database Make(string file)
    {
        Database database = Database.Open(file, create: true);
        Store.Prepare(database, syncEveryCommit: false);
        database.Execute("CREATE TABLE page(bytes BLOB)");
        return database;
    }

    static void Write(Database writer, int commits)
    {
        for (int i = 0; i < commits; i++)
        {
            writer.Prepare("INSERT INTO page(bytes) VALUES(randomblob(?))").Bind(1, (PagesOfCommit - 1) * PageSize).Run();
        }
    }

    static long Count(string file)
    {
        using Database database = Database.Open(file, create: false);
        return database.Number("SELECT count(*) FROM page");
    }

    static long WrittenAhead(LogFolder folder) => new FileInfo($"{folder.File}-wal").Length;
}
