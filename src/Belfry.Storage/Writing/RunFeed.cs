using System.Runtime.CompilerServices;

namespace Belfry.Storage;

/// <summary>What the log changed, after each commit, in order; the live page and <c>belfry events</c> read it.</summary>
public sealed class RunFeed
{
    /// <summary>How many changes are remembered for those who come back.</summary>
    public const int Remembered = 10_000;

    /// <summary>How many characters those may have in all: of runs with long arguments and results fewer are remembered.</summary>
    public const long RememberedText = 32 * 1024 * 1024;

    readonly Lock _lock = new();
    readonly RunChange?[] _ring = new RunChange[Remembered]; // those from _oldest to before _next
    long _oldest, _next; // numbers go on from the clock, so one of an earlier process is always older than all of ours
    long _text;
    long _lastEvent;
    TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal RunFeed(Instant started) => _oldest = _next = started.Micros;

    /// <summary>Told all changes of a commit, on the log's writing thread; whoever listens returns at once and does not throw.</summary>
    internal event Action<IReadOnlyList<RunChange>>? Published;

    /// <summary>Arrival of the last event, of any source; null before the first since start.</summary>
    public Instant? LastEvent => Interlocked.Read(ref _lastEvent) is not 0 and { } micros ? new Instant(micros) : null;

    /// <summary>
    /// Changes after a number, first those remembered, then as they come; from now on when it is null.
    /// The first change has <see cref="RunChange.Gap"/> set when some between were forgotten. A reader that falls
    /// behind all that is remembered gets a gap as well, and never holds up the log.
    /// </summary>
    public async IAsyncEnumerable<RunChange> ReadAsync(long? after, [EnumeratorCancellation] CancellationToken cancel)
    {
        long next = after + 1 ?? Next();
        while (true)
        {
            (IReadOnlyList<RunChange> changes, Task more) = Since(ref next);
            foreach (RunChange change in changes)
            {
                yield return change;
            }
            if (changes.Count == 0)
            {
                await more.WaitAsync(cancel);
            }
            cancel.ThrowIfCancellationRequested();
        }
    }

    internal void Heard(Instant now) => Interlocked.Exchange(ref _lastEvent, now.Micros);

    internal void Publish(IReadOnlyList<RunChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }
        TaskCompletionSource waiting;
        lock (_lock)
        {
            foreach (RunChange change in changes)
            {
                change.Number = _next;
                _text += LengthOf(change);
                while (_oldest < _next && (_next - _oldest == Remembered || _text > RememberedText))
                {
                    Forget();
                }
                _ring[_next % Remembered] = change;
                _next++;
            }
            (waiting, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        waiting.SetResult();
        Published?.Invoke(changes);
    }

    void Forget()
    {
        _text -= LengthOf(_ring[_oldest % Remembered]!);
        _ring[_oldest % Remembered] = null;
        _oldest++;
    }

    static long LengthOf(RunChange change) => LengthOf(change.Run) + LengthOf(change.Gone);

    static long LengthOf(TaskRun? run) => run is null ? 0
        : Length(run.Args) + Length(run.Kwargs) + Length(run.Result) + Length(run.Exception) + Length(run.Traceback) + Length(run.Reason) + Length(run.Text) + Length(run.Extra);

    static long Length(string? text) => text?.Length ?? 0;

    long Next()
    {
        lock (_lock)
        {
            return _next;
        }
    }

    (IReadOnlyList<RunChange> Changes, Task More) Since(ref long next)
    {
        lock (_lock)
        {
            var changes = new List<RunChange>();
            if (next < _oldest || next > _next)
            {
                next = next < _oldest ? _oldest : _next;
                changes.Add(new RunChange(next - 1, null, null, Gap: true));
            }
            while (next < _next)
            {
                changes.Add(_ring[next % Remembered]!);
                next++;
            }
            return (changes, _more.Task);
        }
    }
}

/// <summary>A run that changed.</summary>
/// <param name="Number">Counts up within one process, and over restarts.</param>
/// <param name="Run">The run as it stands now; null for a gap, or when its row went away.</param>
/// <param name="Gone">The run whose row went away, because a late event moved its events to another attempt, or because somebody deleted it.</param>
/// <param name="Gap">Changes before this one were missed: reload.</param>
public sealed record RunChange(long Number, TaskRun? Run, TaskRun? Gone, bool Gap)
{
    /// <summary>Counts up within one process, and over restarts.</summary>
    public long Number { get; internal set; } = Number; // given when it is published
}
