using Belfry.Celery.Reconciling;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>Asks once for runs that are due.</summary>
/// <remarks>
/// 1. Records: they settle most, and must not wait for workers.
/// 2. Workers: who has the run says so.
/// 3. The rest gets a round in the direction in which messages flow, so that none slips through: queue, unacknowledged, workers, record.
/// </remarks>
sealed class Visit(string source, ClusterEvidence evidence, RunLog log, Func<WorkerStandings> standings, Hearing hearing, TimeSpan lostAfter, TimeProvider clock)
{
    static readonly IReadOnlyDictionary<string, WorkerEvidence> NoWorkers = new Dictionary<string, WorkerEvidence>();

    static readonly IReadOnlySet<string> NoTasks = new HashSet<string>();

    IReadOnlyDictionary<string, TaskRun> _known = new Dictionary<string, TaskRun>();

    /// <summary>Asks the records alone, and hands over what they settle.</summary>
    public async Task ReadAsync(IReadOnlyList<Inquiry> due, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        _known = await log.Queries.NewestAsync(source, [.. due.Select(inquiry => inquiry.Id)], cancel);
        await RecordsAsync(due, settle, cancel);
    }

    /// <summary>Asks, and hands over what came out as soon as it is known.</summary>
    public async Task MakeAsync(IReadOnlyList<Inquiry> due, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        _known = await log.Queries.NewestAsync(source, [.. due.Select(inquiry => inquiry.Id)], cancel);
        IReadOnlyList<Inquiry> rest = await RecordsAsync(due, settle, cancel);
        rest = rest.Count > 0 && rest.Any(inquiry => inquiry.Rounds == 0) ? await WorkersAsync(rest, settle, cancel) : rest;
        if (rest.Count > 0)
        {
            await RoundAsync(rest, settle, cancel);
        }
    }

    async Task<IReadOnlyList<Inquiry>> RecordsAsync(IReadOnlyList<Inquiry> due, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        IReadOnlyDictionary<string, ResultEvidence> records = await evidence.RecordsAsync(Ids(due), cancel);
        return await SettleAsync(due, inquiry => Of(inquiry, records, null), settle, cancel);
    }

    async Task<IReadOnlyList<Inquiry>> WorkersAsync(IReadOnlyList<Inquiry> due, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        AskedWorkers workers = await AskAsync(due, cancel);
        IReadOnlyDictionary<string, ResultEvidence> records = await evidence.RecordsAsync(Ids(due), cancel);
        return await SettleAsync(due, inquiry => Of(inquiry, records, workers), settle, cancel);
    }

    async Task RoundAsync(IReadOnlyList<Inquiry> due, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        BrokerLook look = await evidence.LookAsync(Ids(due), [.. _known.Values.Select(run => run.Queue).OfType<string>().Distinct()], cancel);
        IReadOnlySet<string>? limited = evidence.IsRabbitMq ? await evidence.RateLimitedAsync(hearing.Awaited(standings().Beating, Instant.Now(clock)), cancel) : NoTasks;
        AskedWorkers workers = await AskAsync(due, cancel);
        IReadOnlyDictionary<string, ResultEvidence> records = await evidence.RecordsAsync(Ids(due), cancel);
        var all = new List<Answer>();
        foreach (Inquiry inquiry in due)
        {
            Evidence found = Of(inquiry, records, workers);
            // Who beats and does not answer, and is not known to be deaf or idle, is a place that could not be read.
            bool complete = look.Complete && !found.Workers.Values.Any(worker => worker is { Says: WorkerSays.Silent, Idle: false });
            found = found with
            {
                Queued = look.Queued.GetValueOrDefault(inquiry.Id), Unacked = look.Unacked.GetValueOrDefault(inquiry.Id), Drained = look.Drained, BrokerSince = look.Since,
                RateLimited = limited is null || (_known.GetValueOrDefault(inquiry.Id)?.Task is { } task && limited.Contains(task)),
                Rounds = inquiry.Rounds + 1, Complete = complete,
            };
            Reconciliation concluded = Reconcile.Run(source, inquiry.Id, _known.GetValueOrDefault(inquiry.Id), found);
            Instant? again = found.IsUnheard ? null : found.Asked + (found.LostAfter - found.Unheard);
            all.Add(new Answer(inquiry, _known.GetValueOrDefault(inquiry.Id), concluded, complete, again) { IsWithBroker = found.Queued is not null || found.Unacked is not null });
        }
        await settle(all, cancel);
    }

    async Task<AskedWorkers> AskAsync(IReadOnlyList<Inquiry> due, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        WorkerAnswers answers = await evidence.AskAsync(Ids(due), hearing.Awaited(standings().Beating, now), standings().Silent, cancel);
        hearing.Note(answers.Answered, answers.Silent, now);
        return new AskedWorkers(standings(), answers, hearing);
    }

    /// <summary>Hands over those of which something is known now, and gives back the rest.</summary>
    async Task<IReadOnlyList<Inquiry>> SettleAsync(
        IReadOnlyList<Inquiry> due, Func<Inquiry, Evidence> evidenceOf, Func<IReadOnlyList<Answer>, CancellationToken, Task> settle, CancellationToken cancel)
    {
        ILookup<bool, Answer> answers = due
            .Select(inquiry => new Answer(
                inquiry, _known.GetValueOrDefault(inquiry.Id), Reconcile.Run(source, inquiry.Id, _known.GetValueOrDefault(inquiry.Id), evidenceOf(inquiry)), Complete: null, Again: null))
            .ToLookup(answer => answer.Concluded.Next == NextStep.AskAgain);
        await settle([.. answers[false]], cancel);
        return [.. answers[true].Select(answer => answer.Inquiry)];
    }

    Evidence Of(Inquiry inquiry, IReadOnlyDictionary<string, ResultEvidence> records, AskedWorkers? workers)
    {
        TaskRun? run = _known.GetValueOrDefault(inquiry.Id);
        return new Evidence
        {
            Asked = Instant.Now(clock), Gap = inquiry.Gap, Record = records.GetValueOrDefault(inquiry.Id), IsRabbitMq = evidence.IsRabbitMq, LostAfter = lostAfter,
            Workers = workers?.Of(run, inquiry.Id) ?? NoWorkers, Unheard = workers?.Standings.Unheard(run) ?? TimeSpan.Zero,
        };
    }

    static string[] Ids(IEnumerable<Inquiry> inquiries) => [.. inquiries.Select(inquiry => inquiry.Id)];
}

/// <summary>What came out of a question.</summary>
/// <param name="Inquiry">The question.</param>
/// <param name="Known">The run as it was known.</param>
/// <param name="Concluded">What follows.</param>
/// <param name="Complete">A whole round was made, and every place could be read; null when no round was needed.</param>
/// <param name="Again">When a verdict may be possible that is not yet; null when that is not known.</param>
sealed record Answer(Inquiry Inquiry, TaskRun? Known, Reconciliation Concluded, bool? Complete, Instant? Again)
{
    /// <summary>The broker has its message.</summary>
    public bool IsWithBroker { get; init; }
}
