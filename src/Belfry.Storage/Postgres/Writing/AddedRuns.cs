using Belfry.Storage.Payloads;
using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>Runs that are put into the three tables: open ones, ended ones that are no successes, successes.</summary>
sealed class AddedRuns(NameTable names)
{
    /// <summary>The tables.</summary>
    public static readonly IReadOnlyList<string> Tables = ["run_open", "run_kept", "run_done"];

    // All of it is emptied by Begin.
    readonly CopyWriter[] _rows = [.. Tables.Select(_ => new CopyWriter())];
    readonly HashSet<int> _days = [];

    /// <summary>Days of the successes among them: their partitions must be there.</summary>
    public IReadOnlyCollection<int> Days => _days;

    /// <summary>The table, by its place in <see cref="Tables"/>, for runs of a state.</summary>
    public static int TableOf(RunState state) => state == RunState.Completed ? 2 : state.IsFinal() ? 1 : 0;

    /// <summary>Begins with none.</summary>
    public void Begin()
    {
        Array.ForEach(_rows, rows => rows.Begin());
        _days.Clear();
    }

    public void Add(RunKey key, in FoldedRun row, RowPayload payloads, PayloadPacker packer)
    {
        RunValues.Of(key, row, payloads, packer, names).Write(_rows[TableOf(row.Run.State)]);
        if (row.Run.State == RunState.Completed)
        {
            _days.Add(Partitions.DayOf(row.Run.At.Micros));
        }
    }

    /// <summary>Puts them in.</summary>
    public void Send(NpgsqlConnection connection)
    {
        for (int i = 0; i < _rows.Length; i++)
        {
            if (!_rows[i].IsEmpty)
            {
                _rows[i].Send(connection, Tables[i], RunColumns.All);
            }
        }
    }
}
