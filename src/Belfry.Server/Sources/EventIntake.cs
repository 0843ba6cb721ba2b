using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Takes events that programs send over HTTP into the log.</summary>
/// <param name="log">The log.</param>
/// <param name="captures">Events are stored at all.</param>
/// <param name="clusters">Sources that stay what they are, whoever else tells of their runs.</param>
sealed class EventIntake(RunLog log, bool captures, IReadOnlyCollection<string> clusters) : IDisposable
{
    /// <summary>The source of events that name none.</summary>
    public const string UsualSource = "api";

    const int AtOnce = 8; // bodies in memory at a time; the others wait before theirs is read
    readonly SemaphoreSlim _room = new(AtOnce);

    /// <summary>Events are stored at all.</summary>
    public bool Captures => captures;

    /// <summary>Reads a body and stores its events.</summary>
    /// <param name="read">Reads the body.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>How many were stored, all on disk by now, and what was wrong with the others.</returns>
    public async Task<(int Stored, IReadOnlyList<LineMistake> Mistakes)> TakeAsync(Func<Task<ReadOnlyMemory<byte>>> read, CancellationToken cancel)
    {
        await _room.WaitAsync(cancel);
        try
        {
            EventsBody body = EventsBody.Read(await read(), UsualSource);
            await RefuseNamelessAsync(body, cancel);
            foreach (string source in body.Events.Select(item => item.Event.Source).Distinct().Except(clusters))
            {
                log.Listen(source, "api", misses: false, listening: true, null);
            }
            if (body.Mistakes.Count > 0)
            {
                log.Refuse(UsualSource, "event in a request that is not understood", body.Mistakes.Count);
            }
            await log.AppendAsync([.. body.Events.Select(item => item.Event)], cancel);
            return (body.Events.Count, [.. body.Mistakes.OrderBy(mistake => mistake.Line)]);
        }
        finally
        {
            _room.Release();
        }
    }

    public void Dispose() => _room.Dispose();

    /// <summary>Where an id is new, one of its events must name the task.</summary>
    async Task RefuseNamelessAsync(EventsBody body, CancellationToken cancel)
    {
        HashSet<(string Source, string Id)> unnamed = [.. body.Events.Where(item => !item.Event.Kind.IsAboutWorker()).Select(item => (item.Event.Source, item.Event.Id))];
        unnamed.ExceptWith(body.Events.Where(item => item.Event.Task is not null).Select(item => (item.Event.Source, item.Event.Id)));
        foreach (IGrouping<string, string> source in unnamed.ToLookup(run => run.Source, run => run.Id))
        {
            IReadOnlyDictionary<string, TaskRun> known = await log.Queries.NewestAsync(source.Key, [.. source], cancel);
            unnamed.ExceptWith(known.Keys.Select(id => (source.Key, id)));
        }
        bool IsRefused((int Line, TaskEvent Event) item) => !item.Event.Kind.IsAboutWorker() && unnamed.Contains((item.Event.Source, item.Event.Id));
        body.Mistakes.AddRange(body.Events.Where(IsRefused).Select(item => new LineMistake(item.Line, "task", "is missing, and the id is new")));
        body.Events.RemoveAll(IsRefused);
    }
}
