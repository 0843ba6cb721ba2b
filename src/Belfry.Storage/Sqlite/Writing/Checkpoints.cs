namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Brings what was committed from the write-ahead log into the file, on a thread and a connection of its own: within a commit, where SQLite does it, the
/// writer would stop for it after every 16 MB and wait twice for the disk.
/// </summary>
/// <remarks>
/// The write-ahead log begins anew only when all of it is in the file and nobody reads it. A writer that goes on flat out is always a little ahead, so
/// once the log is large the writer itself does the little that is left.
/// </remarks>
sealed class Checkpoints : IDisposable
{
    const int Every = 4000; // pages of 4 KB: every 16 MB they cost a third less than at SQLite's default of 1,000

    readonly Database _writer, _own;
    readonly int _every, _little, _large, _most; // 16, 4, 64 and 128 MB; only a reader that holds an old snapshot makes the log larger
    readonly Lock _turn = new(); // whose checkpoint it is; it guards the two numbers
    readonly AutoResetEvent _due = new(false);
    readonly Thread _thread;
    volatile bool _stopping;
    int _pages, _filled; // of the log: those it has, and those that are in the file

    /// <summary>Takes over from SQLite.</summary>
    /// <param name="path">The file.</param>
    /// <param name="writer">The connection that writes it.</param>
    /// <param name="every">After so many pages.</param>
    public Checkpoints(string path, Database writer, int every = Every)
    {
        (_writer, _own) = (writer, Database.Open(path, create: false));
        (_every, _little, _large, _most) = (every, every / 4, 4 * every, 8 * every);
        _own.Number("SELECT count(*) FROM sqlite_schema"); // only who has read knows of the log
        _thread = new Thread(Run) { IsBackground = true, Name = "Belfry checkpoint" };
        _thread.Start();
        writer.OnCommit(Committed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _due.Set();
        _thread.Join();
        _own.Dispose();
        _due.Dispose();
    }

    /// <summary>Called on the writer's thread, within the commit but behind it.</summary>
    void Committed(int pages)
    {
        if (pages < _most && !_turn.TryEnter())
        {
            return; // one is under way
        }
        if (pages >= _most)
        {
            _turn.Enter();
        }
        try
        {
            (_filled, _pages) = (pages < _pages ? 0 : _filled, pages); // fewer than before: it has begun anew
            int left = pages - _filled;
            if (pages >= _most || (pages >= _large && left < _little))
            {
                Fill(_writer);
            }
            else if (left >= (pages < _large ? _every : _little))
            {
                _due.Set();
            }
        }
        finally
        {
            _turn.Exit();
        }
    }

    void Run()
    {
        while (_due.WaitOne() && !_stopping)
        {
            lock (_turn)
            {
                Fill(_own);
            }
        }
    }

    /// <summary>As far as readers let it. What goes wrong here, a full disk for one, the next try meets again, and the writer tells of it.</summary>
    void Fill(Database by)
    {
        try
        {
            Statement checkpoint = by.Prepare("PRAGMA wal_checkpoint(PASSIVE)");
            bool told = checkpoint.Step() && checkpoint.Int32(0) == 0;
            _filled = told ? checkpoint.Int32(2) : _filled;
            checkpoint.Reset();
        }
        catch (SqliteException)
        {
            // as said above
        }
    }
}
