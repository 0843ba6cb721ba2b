namespace Belfry.Storage.Sqlite.Writing;

/// <summary>What the log does not show of a waiting call's arguments, because secrets are hidden and long texts cut; gone with the call.</summary>
sealed class CallArgs(Database database)
{
    readonly List<QueuedCall> _later = []; // of the group at hand, whose rows come by way of events; Keep empties it

    /// <summary>The places of calls of which something is hidden.</summary>
    public HashSet<long> Places()
    {
        var places = new HashSet<long>();
        using Statement read = database.PrepareOnce("SELECT place FROM call_args");
        while (read.Step())
        {
            places.Add(read.Int64(0));
        }
        return places;
    }

    /// <summary>A group begins.</summary>
    public void Begin() => _later.Clear();

    /// <summary>A call waits from now on, and has its row.</summary>
    public void Put(OpenCall open, QueuedCall call, TaskEvent submitted)
    {
        if (IsHidden(call, submitted))
        {
            Write(open, call);
        }
    }

    /// <summary>A call will have its row when its event has come to it.</summary>
    public void PutLater(QueuedCall call, TaskEvent submitted)
    {
        if (IsHidden(call, submitted))
        {
            _later.Add(call);
        }
    }

    /// <summary>Events have come to their rows.</summary>
    /// <param name="find">The open call of an id; null when there is none.</param>
    public void Keep(Func<string, OpenCall?> find)
    {
        foreach (QueuedCall call in _later)
        {
            if (find(call.Id) is { } open)
            {
                Write(open, call);
            }
        }
        _later.Clear();
    }

    /// <summary>A call with all of its arguments.</summary>
    /// <param name="open">The call.</param>
    /// <param name="shown">As the log shows it.</param>
    public QueuedCall Complete(OpenCall open, QueuedCall shown) => open.HasHiddenArgs && Read(open.Place) is var (args, kwargs)
        ? shown with { Args = args, Kwargs = kwargs, Shown = new ShownArguments(shown.Args, shown.Kwargs) }
        : shown;

    /// <summary>A call waits no longer, and is not at work.</summary>
    public void Delete(OpenCall open)
    {
        if (open.HasHiddenArgs)
        {
            database.Prepare("DELETE FROM call_args WHERE place = ?").Bind(1, open.Place).Run();
        }
    }

    void Write(OpenCall open, QueuedCall call)
    {
        open.HasHiddenArgs = true;
        database.Prepare("INSERT OR REPLACE INTO call_args(place, args, kwargs) VALUES(?, ?, ?)").Bind(1, open.Place).Bind(2, call.Args).Bind(3, call.Kwargs).Run();
    }

    (string? Args, string? Kwargs)? Read(long place)
    {
        Statement read = database.Prepare("SELECT args, kwargs FROM call_args WHERE place = ?");
        (string?, string?)? args = read.Bind(1, place).Step() ? (read.Text(0), read.Text(1)) : null;
        read.Reset();
        return args;
    }

    static bool IsHidden(QueuedCall call, TaskEvent submitted) => submitted.Args != call.Args || submitted.Kwargs != call.Kwargs;
}
