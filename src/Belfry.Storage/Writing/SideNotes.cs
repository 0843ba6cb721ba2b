namespace Belfry.Storage.Writing;

/// <summary>What is told to the log beside events, until the next commit. Safe for several threads.</summary>
sealed class SideNotes
{
    const int LongestText = 300;

    readonly Lock _lock = new();
    Dictionary<(string Source, string What), (long Times, Instant Last)> _refusals = []; // bounded by RefusalTable.KindsPerSource; emptied by Take
    Dictionary<string, ListenNote> _listening = [];
    Dictionary<(string Source, string Worker), bool> _judged = [];
    List<SourceGap> _gaps = [];

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _refusals.Count == 0 && _listening.Count == 0 && _judged.Count == 0 && _gaps.Count == 0;
            }
        }
    }

    public IReadOnlyDictionary<(string Source, string What), (long Times, Instant Last)> Refusals => _refusals;

    public IReadOnlyDictionary<string, ListenNote> Listening => _listening;

    public IReadOnlyDictionary<(string Source, string Worker), bool> Judged => _judged;

    public IReadOnlyList<SourceGap> Gaps => _gaps;

    public void Refuse(string source, string what, long times, Instant now)
    {
        what = Excerpt.Of(what, LongestText);
        lock (_lock)
        {
            (string, string) key = _refusals.ContainsKey((source, what)) || _refusals.Count < RefusalTable.KindsPerSource ? (source, what) : (source, RefusalTable.Others);
            _refusals[key] = (_refusals.GetValueOrDefault(key).Times + times, now);
        }
    }

    public void Listen(string source, ListenNote note)
    {
        lock (_lock)
        {
            _listening[source] = note;
        }
    }

    public void Judge(string source, string worker, bool online)
    {
        lock (_lock)
        {
            _judged[(source, worker)] = online;
        }
    }

    public void Miss(SourceGap gap)
    {
        lock (_lock)
        {
            _gaps.Add(gap);
        }
    }

    /// <summary>Hands over what was told so far, and starts anew.</summary>
    public SideNotes Take()
    {
        lock (_lock)
        {
            var taken = new SideNotes { _refusals = _refusals, _listening = _listening, _judged = _judged, _gaps = _gaps };
            (_refusals, _listening, _judged, _gaps) = ([], [], [], []);
            return taken;
        }
    }
}

/// <summary>How a source does.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Misses">It loses what is sent while nobody listens.</param>
/// <param name="IsListening">It is being listened to.</param>
/// <param name="Problem">What is wrong, or null.</param>
/// <param name="At">When this was told.</param>
readonly record struct ListenNote(string Kind, bool Misses, bool IsListening, string? Problem, Instant At);
