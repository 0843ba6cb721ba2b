using Belfry.Storage.Postgres.Rows;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>Runs that are put into the three tables: open ones, ended ones that are no successes, successes.</summary>
sealed class AddedRuns
{
    /// <summary>The tables.</summary>
    public static readonly IReadOnlyList<string> Tables = ["run_open", "run_kept", "run_done"];

    const int Successes = 2;

    // All of it is emptied by Begin.
    readonly List<RunValues>[] _rows = [.. Tables.Select(_ => new List<RunValues>())];
    readonly HashSet<int> _days = [];
    readonly CopyWriter _copy = new();

    /// <summary>Days of the successes among them: their partitions must be there.</summary>
    public IReadOnlyCollection<int> Days => _days;

    /// <summary>The table, by its place in <see cref="Tables"/>, for runs of a state.</summary>
    public static int TableOf(RunState state) => state == RunState.Completed ? Successes : state.IsFinal() ? 1 : 0;

    /// <summary>Begins with none.</summary>
    public void Begin()
    {
        Array.ForEach(_rows, rows => rows.Clear());
        _days.Clear();
    }

    public void Add(RunValues row)
    {
        int table = TableOf((RunState)row.State);
        _rows[table].Add(row);
        if (table == Successes)
        {
            _days.Add(Partitions.DayOf(row.At));
        }
    }

    /// <summary>Puts them in: where ids are indexed in the order of the ids, which costs the server less than going to and fro; successes as they came.</summary>
    public void Send(NpgsqlConnection connection)
    {
        for (int table = 0; table < _rows.Length; table++)
        {
            if (_rows[table].Count == 0)
            {
                continue;
            }
            if (table != Successes)
            {
                _rows[table].Sort((a, b) => a.Id.CompareTo(b.Id));
            }
            _copy.Begin();
            _rows[table].ForEach(row => row.Write(_copy));
            _copy.Send(connection, Tables[table], RunColumns.All);
        }
    }
}
