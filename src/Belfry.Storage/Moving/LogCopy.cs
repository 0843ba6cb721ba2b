namespace Belfry.Storage.Moving;

/// <summary>
/// Copies a log into another store, whatever engines the two have, in steps that each can be gone on with:
/// 0. the tables of rooms are made, by their own scripts;
/// 1. names under their numbers, because figures and sources refer to them by number;
/// 2. the tables that are copied value by value, dictionaries among them, so that the payloads below are packed with them;
/// 3. runs with their facts, ended ones oldest first, then open ones; the target makes keys, partitions and last ends of them as a log does;
/// 4. both stores are read once more, from the beginning, and compared; only then the target is a log.
/// </summary>
sealed class LogCopy(ILogReader from, ILogTarget to, IReadOnlyList<TableScripts> rooms, IProgress<CopyProgress>? progress, CancellationToken cancel)
{
    const int RowsAtOnce = 20_000; // a transaction of about 4 MB, and what a kill costs
    const string NamesStep = "names", EndedStep = "ended runs", OpenStep = "open runs";

    long _total, _done;

    /// <summary>Copies what is missing, and compares.</summary>
    /// <exception cref="CopyRefusedException">The copy is not the same.</exception>
    public IReadOnlyList<CopiedTable> Run()
    {
        MakeRooms();
        Count();
        CopyNames();
        foreach (PlainTable table in from.Tables)
        {
            CopyTable(table);
        }
        CopyRuns(open: false);
        CopyRuns(open: true);
        IReadOnlyList<CopiedTable> compared = Compare();
        to.Seal();
        return compared;
    }

    static string StepOf(bool open) => open ? OpenStep : EndedStep;

    void MakeRooms()
    {
        if (from.Tables.FirstOrDefault(table => table.Name == TableMigrations.Book) is not { } book)
        {
            return;
        }
        foreach (object?[] row in from.Rows(book, null))
        {
            (string? name, object? version) = ((string?)row[book.Columns.ToList().IndexOf("room")], row[book.Columns.ToList().IndexOf("number")]);
            if (rooms.FirstOrDefault(room => room.Room == name) is not { } scripts || !Equals((long)scripts.Newest, version))
            {
                throw new CopyRefusedException($"the tables of '{name}' have schema {version}, which is not that of this version of Belfry. Start its server once, then stop it and copy.");
            }
            StoreTables.MigratedAsync(to.Tables, scripts, owned: false, cancel).GetAwaiter().GetResult();
        }
    }

    void Count()
    {
        _total = from.CountRuns(open: false) + from.CountRuns(open: true) + from.Tables.Sum(from.Count);
        foreach (string step in (string[])[.. from.Tables.Select(table => table.Name), EndedStep, OpenStep])
        {
            _done += to.MarkOf(step).Rows;
        }
    }

    void CopyNames()
    {
        if (to.MarkOf(NamesStep) is { Done: false } mark)
        {
            NumberedName[] names = [.. from.Names(long.MaxValue)];
            to.Write(names, mark with { Rows = names.Length, Done = true });
        }
    }

    void CopyTable(PlainTable table)
    {
        CopyMark mark = to.MarkOf(table.Name);
        if (mark.Done)
        {
            return;
        }
        bool first = mark.Place is null; // a table without a place begins anew, and is emptied before
        mark = first ? mark with { Rows = 0 } : mark;
        foreach (object?[][] rows in from.Rows(table, mark.Place is null ? null : long.Parse(mark.Place)).Chunk(RowsAtOnce))
        {
            mark = mark with { Place = table.Place is null ? null : $"{rows[^1][table.PlaceIndex]}", Rows = mark.Rows + rows.Length };
            to.Write(table, rows, mark, first);
            first = false;
            Tell(CopyPhase.Copying, rows.Length);
        }
        to.Write(table, [], mark with { Done = true }, first);
    }

    void CopyRuns(bool open)
    {
        CopyMark mark = to.MarkOf(StepOf(open));
        if (mark.Done)
        {
            return;
        }
        foreach (PlacedRun[] runs in from.Runs(open, mark.Place).Chunk(RowsAtOnce))
        {
            mark = mark with { Place = from.PlaceOf(runs[^1]), Rows = mark.Rows + runs.Length };
            to.Write(runs, mark);
            Tell(CopyPhase.Copying, runs.Length);
        }
        to.Write((IReadOnlyList<PlacedRun>)[], mark with { Done = true });
    }

    /// <summary>Reads both from the beginning: what was copied before a kill counts as well, and a source that was written since shows.</summary>
    List<CopiedTable> Compare()
    {
        _done = 0;
        _total *= 2;
        using ILogReader copy = to.Read();
        long last = from.Names(long.MaxValue).Select(name => name.Number).DefaultIfEmpty().Max();
        var compared = new List<CopiedTable>
        {
            Compare(NamesStep, copy, (log, sum) =>
            {
                // The copy may have learned more: of exceptions whose class an older version did not see.
                foreach (NumberedName name in log.Names(last))
                {
                    sum.Add(name);
                }
            }),
        };
        foreach (PlainTable table in from.Tables)
        {
            compared.Add(Compare(table.Name, copy, (log, sum) => AddRows(log, table, sum)));
        }
        foreach (bool open in (bool[])[false, true])
        {
            compared.Add(Compare(StepOf(open), copy, (log, sum) => AddRuns(log, open, sum)));
        }
        return compared;
    }

    CopiedTable Compare(string step, ILogReader copy, Action<ILogReader, Checksum> add)
    {
        Checksum there = new(), here = new();
        Task other = Task.Run(() => add(from, there), cancel);
        try
        {
            add(copy, here);
        }
        finally
        {
            other.GetAwaiter().GetResult();
        }
        return (there.Rows, there.Sum) == (here.Rows, here.Sum)
            ? new CopiedTable(step, here.Rows, here.Sum)
            : throw new CopyRefusedException(
                $"the copy is not what was to be copied: {step} are {there.Rows:N0} with checksum {there.Sum[..8]} there, {here.Rows:N0} with {here.Sum[..8]} here. "
                + "If the log was written between two tries, delete the copy and begin anew.");
    }

    void AddRows(ILogReader log, PlainTable table, Checksum sum)
    {
        foreach (object?[] row in log.Rows(table, null))
        {
            sum.Add(table, row);
            TellNowAndThen(sum);
        }
    }

    void AddRuns(ILogReader log, bool open, Checksum sum)
    {
        foreach (PlacedRun run in log.Runs(open, null))
        {
            sum.Add(run.Row);
            TellNowAndThen(sum);
        }
    }

    void TellNowAndThen(Checksum sum)
    {
        if (sum.Rows % RowsAtOnce == 0)
        {
            Tell(CopyPhase.Comparing, RowsAtOnce);
        }
    }

    void Tell(CopyPhase phase, long rows)
    {
        cancel.ThrowIfCancellationRequested();
        progress?.Report(new CopyProgress(phase, Math.Min(1, (double)Interlocked.Add(ref _done, rows) / Math.Max(1, _total))));
    }
}

/// <summary>What a copy is doing.</summary>
public enum CopyPhase
{
    /// <summary>It writes rows.</summary>
    Copying,

    /// <summary>It reads both stores and compares them.</summary>
    Comparing,
}

/// <summary>How far a copy is.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Share">Of that, 0 to 1.</param>
public readonly record struct CopyProgress(CopyPhase Phase, double Share);

/// <summary>A table of both stores, found to be the same.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Checksum">The sum over its rows, in any order.</param>
public sealed record CopiedTable(string Name, long Rows, string Checksum);

/// <summary>The copy is not made, or is not whole; the message is for an operator.</summary>
public sealed class CopyRefusedException(string message) : Exception(message);
