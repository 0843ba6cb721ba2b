using Belfry.Storage.Postgres.Rows;
using Belfry.Storage.Writing;
using Npgsql;

namespace Belfry.Storage.Postgres.Writing;

/// <summary>What a group tells beside runs: workers, sources, gaps, and what was refused. Nothing is remembered; the statements add to what stands there.</summary>
sealed class Surroundings(NameTable names)
{
    static readonly WorkerBeat NoBeat = new(null, null, null, null, null);
    readonly Dictionary<(string Source, string Name), Heard> _workers = [];
    readonly Dictionary<string, Instant> _lastEvents = [];

    /// <summary>Notes who sent an event, and when.</summary>
    public void Hear(TaskEvent item, Instant now)
    {
        // What Belfry itself concludes about the runs of a silent worker is no sign of life, of it or of its source.
        if (item.Kind is EventKind.Lost or EventKind.Requeued)
        {
            return;
        }
        _lastEvents[item.Source] = now;
        if (item.Worker is null || item.ClockOff)
        {
            return;
        }
        Heard known = _workers.GetValueOrDefault((item.Source, item.Worker)) ?? new Heard(item.Shown, null, NoBeat);
        _workers[(item.Source, item.Worker)] = new Heard(
            Instant.Max(known.LastBeat, item.Shown),
            item.Kind.IsAboutWorker() ? item.Kind != EventKind.WorkerOffline : known.Online,
            item.Beat is { } beat ? beat.Over(known.Beat) : known.Beat);
    }

    /// <summary>The statements; within the transaction, and holding the lock of the figures.</summary>
    public IEnumerable<NpgsqlBatchCommand> ToCommands(SideNotes notes, Instant now)
    {
        return
        [
            .. _workers.Select(worker => Write(worker.Key.Source, worker.Key.Name, worker.Value, now)),
            .. notes.Judged.Select(judged => Commands.Of(
                "UPDATE worker SET online = $3 WHERE source = $1 AND name = $2",
                Source(judged.Key.Source), names.Number(NameKind.Worker, judged.Key.Worker), judged.Value)),
            .. notes.Listening.Select(listening => Write(listening.Key, listening.Value)),
            .. _lastEvents.Select(last => Commands.Of(
                """
                INSERT INTO source(name, kind, misses, heard, listened, last_event) VALUES($1, 'events', FALSE, $2, $2, $2)
                ON CONFLICT(name) DO UPDATE SET last_event = greatest(source.last_event, excluded.last_event)
                """,
                Source(last.Key), last.Value.Micros)),
            .. notes.Gaps.Select(gap => Commands.Of(
                "INSERT INTO gap(source, from_at, to_at, reason) VALUES($1, $2, $3, $4) ON CONFLICT(source, from_at, to_at) DO UPDATE SET reason = excluded.reason",
                Source(gap.Source), gap.From.Micros, gap.To!.Value.Micros, NameTable.Clean(gap.Reason))),
            .. Refusals(notes),
        ];
    }

    /// <summary>What was refused, counted.</summary>
    public IEnumerable<NpgsqlBatchCommand> Refusals(SideNotes notes) => notes.Refusals.Select(refusal => Commands.Of(
        RefusalTable.Count, Source(refusal.Key.Source), NameTable.Clean(refusal.Key.What), refusal.Value.Times, refusal.Value.Last.Micros));

    NpgsqlBatchCommand Write(string source, ListenNote note) => Commands.Of(
        """
        INSERT INTO source(name, kind, misses, heard, listened, problem) VALUES($1, $2, $3, $4, $4, $6)
        ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, misses = excluded.misses, problem = excluded.problem,
          listened = CASE WHEN $5 THEN greatest(source.listened, excluded.listened) ELSE source.listened END
        """,
        Source(source), note.Kind, note.Misses, note.At.Micros, note.IsListening, Text(note.Problem));

    /// <summary>A heartbeat that was asked for names less than an ordinary one: what was known stays.</summary>
    NpgsqlBatchCommand Write(string source, string name, Heard worker, Instant now) => Commands.Of(
        """
        INSERT INTO worker(source, name, online, beat, heard, pid, frequency, active, processed, software)
        VALUES($1, $2, coalesce($3, TRUE), $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT(source, name) DO UPDATE SET online = coalesce($3, worker.online), beat = greatest(worker.beat, excluded.beat),
          heard = greatest(worker.heard, excluded.heard), pid = coalesce(excluded.pid, worker.pid), frequency = coalesce(excluded.frequency, worker.frequency),
          active = coalesce(excluded.active, worker.active), processed = coalesce(excluded.processed, worker.processed), software = coalesce(excluded.software, worker.software)
        """,
        Source(source), names.Number(NameKind.Worker, name), Maybe(worker.Online), worker.LastBeat.Micros, now.Micros, Maybe(worker.Beat.Pid),
        Maybe(worker.Beat.Frequency), Maybe(worker.Beat.Active), Maybe(worker.Beat.Processed), Text(worker.Beat.Software));

    int Source(string source) => names.Number(NameKind.Source, source);

    static NpgsqlParameter<string?> Text(string? text) => new() { TypedValue = text is null ? null : NameTable.Clean(text) };

    static NpgsqlParameter<T?> Maybe<T>(T? value)
        where T : struct => new() { TypedValue = value };

    sealed record Heard(Instant LastBeat, bool? Online, WorkerBeat Beat);
}
