using System.Text;
using Belfry.Storage.Rows;
using Belfry.Storage.Search;
using Belfry.Storage.Sqlite.Reading;
using Belfry.Storage.Sqlite.Rows;
using Belfry.Storage.Writing;

namespace Belfry.Storage.Sqlite.Texts;

/// <summary>
/// Keeps the index of texts, or takes it away. Triggers note every run that comes or goes, whoever writes the file; what they noted is put in on the
/// log's writing thread, in pieces between its groups. All state is in the file, changed together with the entries: a kill costs nothing.
/// </summary>
sealed class TextIndex(Store store, Chores writing, bool wanted) : ITextIndex
{
    const string Triggers = """
        CREATE TRIGGER IF NOT EXISTS text_came AFTER INSERT ON run BEGIN
          INSERT INTO text_due(at, again) VALUES(new.at, 0) ON CONFLICT(at) DO UPDATE SET again = again + 1;
        END;
        CREATE TRIGGER IF NOT EXISTS text_went AFTER DELETE ON run BEGIN
          UPDATE text_week SET gone = gone + 1 WHERE week = old.at / 604800000000;
        END;
        """;

    const string NoTriggers = "DROP TRIGGER IF EXISTS text_came; DROP TRIGGER IF EXISTS text_went";
    const int PagesAtOnce = 300; // of 4 KB, dropped in one piece
    const int HeadPages = 10;    // sums and the list of segments, without which FTS5 would not open its table even to drop it

    readonly RowContexts _contexts = new();
    bool _begun;

    public async Task<TextWork> WorkAsync(CancellationToken cancel)
    {
        try
        {
            if (wanted && TextWeeks.Lacks is { } lacks)
            {
                throw new NotSupportedException(lacks);
            }
            if (!_begun)
            {
                await WriteAsync(Begin, cancel);
                _begun = true;
            }
            bool more = await DropAsync(cancel);
            if (!wanted)
            {
                return more || await WriteAsync(database => Changed(database, "DELETE FROM text_due WHERE at IN (SELECT at FROM text_due LIMIT 1000)"), cancel) ? TextWork.More : TextWork.Over;
            }
            more |= await AddAsync(TextPiece.ReadDue, cancel);
            more |= await AddAsync(TextPiece.ReadNext, cancel);
            return more ? TextWork.More : TextWork.Rest;
        }
        catch (SqliteException refused)
        {
            throw new StoreException($"{store.Url} cannot be written: {refused.Problem}", refused);
        }
    }

    bool Begin(Database database)
    {
        database.Execute(wanted ? Triggers : $"{NoTriggers}; UPDATE text_week SET filled = {TextWeek.Dropping}");
        return true;
    }

    async Task<bool> AddAsync(Func<Database, IRowContext, TextPiece?> read, CancellationToken cancel)
    {
        TextPiece? piece = await store.ReadAsync(database => read(database, _contexts.For(database)), cancel);
        return piece is not null && await WriteAsync(database => Put(database, piece), cancel);
    }

    static bool Put(Database database, TextPiece piece)
    {
        if (piece.Begins is { } week)
        {
            database.Execute($"CREATE VIRTUAL TABLE {week.Table} USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')");
            database.Prepare("INSERT INTO text_week(week, shift, filled, runs, gone) VALUES(?, ?, ?, 0, 0)").Bind(1, week.Week).Bind(2, (long)week.Shift).Bind(3, week.Filled).Run();
        }
        foreach (TextEntry entry in piece.Entries)
        {
            database.Prepare($"INSERT INTO {TextWeek.TableOf(entry.Week)}(rowid, text) VALUES(?, ?)").Bind(1, entry.Number).Bind(2, entry.Text).Run();
            database.Prepare("UPDATE text_week SET runs = runs + ? WHERE week = ?").Bind(1, (long)entry.Runs).Bind(2, entry.Week).Run();
        }
        foreach ((long at, long again) in piece.Due)
        {
            database.Prepare("DELETE FROM text_due WHERE at = ? AND again = ?").Bind(1, at).Bind(2, again).Run();
        }
        if (piece.Filled is ({ } filled, { } until))
        {
            database.Prepare("UPDATE text_week SET filled = ? WHERE week = ?").Bind(1, until).Bind(2, filled).Run();
        }
        return true;
    }

    /// <summary>Drops a piece of a week that is to go, or of one most of whose runs are gone: what is left of those is put in again.</summary>
    async Task<bool> DropAsync(CancellationToken cancel)
    {
        List<TextWeek> weeks = await store.ReadAsync(TextWeeks.All, cancel);
        TextWeek? next = weeks.Find(week => week.IsDropping) ?? weeks.Skip(1).FirstOrDefault(week => week.Gone > week.Runs / 4 * 3);
        return next is not null && await WriteAsync(database => Drop(database, next), cancel);
    }

    /// <summary>The pages of a large table go some at a time: to drop it whole would hold up the log for seconds.</summary>
    static bool Drop(Database database, TextWeek week)
    {
        if (!week.IsDropping)
        {
            database.Prepare("UPDATE text_week SET filled = ? WHERE week = ?").Bind(1, TextWeek.Dropping).Bind(2, week.Week).Run();
        }
        else if (!Changed(database, $"DELETE FROM {week.Table}_data WHERE id IN (SELECT id FROM {week.Table}_data WHERE id > {HeadPages} LIMIT {PagesAtOnce})"))
        {
            database.Execute($"DROP TABLE {week.Table}; DELETE FROM text_week WHERE week = {week.Week}");
        }
        return true;
    }

    static bool Changed(Database database, string sql)
    {
        using Statement change = database.PrepareOnce(sql);
        change.Run();
        return database.Changes > 0;
    }

    Task<bool> WriteAsync(Func<Database, bool> write, CancellationToken cancel) => writing.DoAsync(() => store.Write(database => InTransaction(database, write)), cancel);

    static bool InTransaction(Database database, Func<Database, bool> write)
    {
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            bool done = write(database);
            database.Execute("COMMIT");
            return done;
        }
        catch
        {
            RollBack(database);
            throw;
        }
    }

    static void RollBack(Database database)
    {
        try
        {
            database.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has rolled back already, as it does when the disk is full
        }
    }
}

/// <summary>Runs that stand together under one number of the index.</summary>
readonly record struct TextEntry(long Week, long Number, string Text, int Runs);

/// <summary>What is put into the index at once.</summary>
/// <param name="Entries">The entries, by week and number: FTS5 writes its pages out when a number is not above the one before.</param>
/// <param name="Due">What is no longer due, unless it changed since.</param>
/// <param name="Begins">A week that is not there yet.</param>
/// <param name="Filled">A week that is filled further, and how far.</param>
sealed record TextPiece(IReadOnlyList<TextEntry> Entries, IReadOnlyList<(long At, long Again)> Due, TextWeek? Begins, (long Week, long Until)? Filled)
{
    // About 15 ms of the writing thread, a bit less than the tenth of a second that a group has.
    const int Most = 250, MostLetters = 200_000;
    const int RunsOfShift = 10_000;

    /// <summary>Runs that came or changed since their stretch was filled; those beyond only wait until they are reached.</summary>
    public static TextPiece? ReadDue(Database database, IRowContext context)
    {
        Dictionary<long, TextWeek> weeks = TextWeeks.All(database).ToDictionary(week => week.Week);
        var texts = new TextGatherer(context);
        var due = new List<(long, long)>();
        using Statement read = database.PrepareOnce(
            $"SELECT text_due.at, again, {RowCodec.Columns} FROM text_due LEFT JOIN run ON run.at = text_due.at ORDER BY text_due.at DESC LIMIT {Most}");
        while (texts.Letters < MostLetters && read.Step())
        {
            long at = read.Int64(0);
            due.Add((at, read.Int64(1)));
            if (!read.IsNull(2) && weeks.TryGetValue(TextWeek.Of(at), out TextWeek? week) && at < week.Filled)
            {
                texts.Add(read, 2, at, week);
            }
        }
        return due.Count == 0 ? null : new TextPiece(texts.Entries(), due, null, null);
    }

    /// <summary>The next runs of the newest week that is not whole.</summary>
    public static TextPiece? ReadNext(Database database, IRowContext context)
    {
        List<TextWeek> weeks = TextWeeks.All(database);
        TextWeek? begins = null, week = null;
        for (long? newest = Newest(database, long.MaxValue); newest is { } at && week is null; newest = Newest(database, TextWeek.New(TextWeek.Of(at)).Begin))
        {
            TextWeek? known = weeks.Find(week => week.Week == TextWeek.Of(at));
            begins = known is null ? TextWeek.New(TextWeek.Of(at), ShiftFor(database, at)) : null;
            week = begins ?? (known is { IsWhole: false, IsDropping: false } ? known : null);
        }
        return week is null ? null : ReadNext(database, context, week, begins);
    }

    static TextPiece ReadNext(Database database, IRowContext context, TextWeek week, TextWeek? begins)
    {
        var texts = new TextGatherer(context);
        using Statement read = database.PrepareOnce($"SELECT at, {RowCodec.Columns} FROM run NOT INDEXED WHERE at >= ? AND at < ? ORDER BY at LIMIT {Most}");
        read.Bind(1, week.Filled).Bind(2, week.End);
        (int runs, long until, bool more) = (0, week.End, false);
        while (texts.Letters < MostLetters && (more = read.Step()))
        {
            runs++;
            until = read.Int64(0) + 1;
            texts.Add(read, 1, until - 1, week);
        }
        return new TextPiece(texts.Entries(), [], begins, (week.Week, more || runs == Most ? until : week.End));
    }

    static long? Newest(Database database, long before)
    {
        Statement read = database.Prepare("SELECT max(at) FROM run WHERE at < ?").Bind(1, before);
        long? newest = read.Step() ? read.Int64OrNull(0) : null;
        read.Reset();
        return newest;
    }

    /// <summary>About a run to an entry: half of the last runs are closer together than this.</summary>
    static int ShiftFor(Database database, long at)
    {
        var gaps = new List<long>();
        using Statement read = database.PrepareOnce($"SELECT at FROM run NOT INDEXED WHERE at <= ? ORDER BY at DESC LIMIT {RunsOfShift}");
        read.Bind(1, at);
        for (long? later = null; read.Step(); later = read.Int64(0))
        {
            gaps.Add(later is { } next ? next - read.Int64(0) : 0);
        }
        gaps.Sort();
        return Math.Clamp((int)long.Log2(Math.Max(1, gaps[gaps.Count / 2])), 0, 30);
    }
}

/// <summary>Gathers the texts of runs, entry by entry.</summary>
sealed class TextGatherer(IRowContext context)
{
    readonly SortedDictionary<(long Week, long Number), (StringBuilder Text, int Runs)> _entries = [];

    public int Letters { get; private set; }

    /// <summary>Adds the run that a statement stands on.</summary>
    public void Add(Statement row, int first, long at, TextWeek week)
    {
        (StringBuilder text, int runs) = _entries.GetValueOrDefault((week.Week, week.EntryOf(at)), (new StringBuilder(), 0));
        int before = text.Length;
        text.Append(TextFold.Between).Append(context.Text(row.Int64OrNull(first + 2)));
        text.Append(TextFold.Between).Append(IdColumn.Read(row, first));
        RowPayload.AddTexts(context.Unpack(row.Bytes(first + 18)), text, TextFold.Between);
        Letters += text.Length - before;
        _entries[(week.Week, week.EntryOf(at))] = (text, runs + 1);
    }

    public IReadOnlyList<TextEntry> Entries() =>
        [.. _entries.Select(entry => new TextEntry(entry.Key.Week, entry.Key.Number, TextFold.Of(entry.Value.Text.ToString()), entry.Value.Runs))];
}
