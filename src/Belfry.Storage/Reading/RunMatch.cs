using Belfry.Storage.Rows;
using Belfry.Storage.Sqlite;

namespace Belfry.Storage.Reading;

/// <summary>A filter made ready for one reader: names have become numbers, so most rows are passed over after a look at a few integers.</summary>
sealed class RunMatch
{
    readonly HashSet<long>? _sources, _workers, _queues, _exceptions, _apps;
    readonly HashSet<int>? _states;
    readonly (Needle Needle, HashSet<long> Tasks)[] _words;
    readonly long? _minMicros;
    readonly INames _names;

    public RunMatch(Database database, RunFilter filter, INames names)
    {
        _names = names;
        Tasks = Numbers(database, NameKind.Task, filter.Tasks);
        _sources = Numbers(database, NameKind.Source, filter.Sources);
        _workers = Numbers(database, NameKind.Worker, filter.Workers);
        _queues = Numbers(database, NameKind.Queue, filter.Queues);
        _exceptions = Numbers(database, NameKind.Exception, filter.Exceptions);
        _apps = Numbers(database, NameKind.App, filter.Apps);
        _states = filter.States.Count == 0 ? null : [.. filter.States.Select(state => (int)state)];
        States = filter.States;
        From = filter.From?.Micros ?? long.MinValue;
        To = filter.To?.Micros ?? long.MaxValue;
        _minMicros = filter.MinRuntime is { } least ? least.Ticks / TimeSpan.TicksPerMicrosecond : null;
        _words = [.. Words.Split(filter.Text).Select(word => WordOf(database, word))];
    }

    /// <summary>Numbers of the tasks wanted; null for all.</summary>
    public HashSet<long>? Tasks { get; }

    /// <summary>The states wanted; empty for all.</summary>
    public IReadOnlyList<RunState> States { get; }

    /// <summary>Not before.</summary>
    public long From { get; }

    /// <summary>Before.</summary>
    public long To { get; }

    /// <summary>A name was asked for that the log does not have.</summary>
    public bool IsHopeless => new[] { Tasks, _sources, _workers, _queues, _exceptions, _apps }.Any(set => set is { Count: 0 });

    /// <summary>Only tasks, states and time restrict it.</summary>
    public bool IsOnlyByTaskAndState =>
        _sources is null && _workers is null && _queues is null && _exceptions is null && _apps is null && _minMicros is null && _words.Length == 0;

    /// <summary>The row the statement stands on is wanted.</summary>
    /// <param name="row">The statement.</param>
    /// <param name="first">Its first column of <see cref="RowCodec.Columns"/>.</param>
    /// <param name="at">The row's <c>at</c>.</param>
    public bool Matches(Statement row, int first, long at) =>
        Has(Tasks, row, first + 2)
        && (_states is null || _states.Contains(row.Int32(first + 3)))
        && Has(_sources, row, first + 1) && Has(_workers, row, first + 5) && Has(_queues, row, first + 6)
        && Has(_exceptions, row, first + 7) && Has(_apps, row, first + 8)
        && (_minMicros is null || RanLongEnough(row, first, at))
        && (_words.Length == 0 || HasWords(row, first));

    static bool Has(HashSet<long>? wanted, Statement row, int column) => wanted is null || wanted.Contains(row.Int64(column));

    bool RanLongEnough(Statement row, int first, long at) =>
        RowCodec.Read(row, first, at, _names).Runtime is { } seconds && seconds * 1e6 >= _minMicros;

    bool HasWords(Statement row, int first)
    {
        foreach ((Needle needle, HashSet<long> tasks) in _words)
        {
            bool found = tasks.Contains(row.Int64(first + 2)) || needle.IsIn(row.Bytes(first + 18)) || needle.IsIn(RunKey.Read(row, first));
            if (!found)
            {
                return false;
            }
        }
        return true;
    }

    static (Needle, HashSet<long>) WordOf(Database database, string word)
    {
        var needle = new Needle(word);
        return (needle, [.. NameCache.All(database, NameKind.Task).Where(task => needle.IsIn(task.Text)).Select(task => task.Number)]);
    }

    static HashSet<long>? Numbers(Database database, NameKind kind, IReadOnlyList<string> wanted)
    {
        if (wanted.Count == 0)
        {
            return null;
        }
        HashSet<long> numbers = [.. wanted.Where(text => !Glob.IsPattern(text)).Select(text => NameCache.Number(database, kind, text)).OfType<long>()];
        string[] patterns = [.. wanted.Where(Glob.IsPattern)];
        if (patterns.Length > 0)
        {
            numbers.UnionWith(NameCache.All(database, kind).Where(name => patterns.Any(pattern => Glob.Matches(pattern, name.Text))).Select(name => name.Number));
        }
        return numbers;
    }
}
