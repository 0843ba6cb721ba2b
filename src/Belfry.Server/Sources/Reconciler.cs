using Belfry.Celery;
using Belfry.Celery.Reconciling;
using Belfry.Storage;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Sources;

/// <summary>Asks what became of runs whose events may have gone by unheard, and writes what that proves to the log. One for each cluster.</summary>
/// <remarks>
/// 1. Something shows that events are missing: a gap, a worker's own count, a worker that came back, a run that is open for long.
/// 2. The runs concerned go into the book, which knows when each is asked about.
/// 3. A visit asks for those that are due: records first, which settle most; then workers; what nobody has takes rounds through all places.
/// </remarks>
sealed partial class Reconciler(
    SourceSettings settings, ClusterEvidence evidence, FlagWatch flags, WorkerWatch watch, RunLog log, TimeSpan lostAfter, TimeProvider clock, ILogger logger) : IDisposable
{
    const int MostAtOnce = 10_000;

    static readonly TimeSpan Tick = TimeSpan.FromSeconds(1), Stall = TimeSpan.FromSeconds(10);

    readonly MissingRuns _missing = new(settings, evidence, log, clock);
    readonly InquiryBook _book = new();
    readonly Hearing _hearing = new();
    readonly UnseenStarts _unseen = new();
    readonly StartTotals _totals = new(settings.Name, evidence, log, clock);
    readonly SemaphoreSlim _wake = new(0, 1);
    bool _listening;

    /// <summary>Hears what the stream brought.</summary>
    public void Hear(IReadOnlyList<TaskEvent> events) => _missing.Hear(events);

    /// <summary>Something was missed.</summary>
    public void Miss(Gap gap)
    {
        _missing.Miss(gap);
        // It is told by a stream that stands again.
        _listening = true;
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    /// <summary>These runs were given up because their worker is gone: their ends may have been stored all the same, or their messages be kept.</summary>
    public void Doubt(IReadOnlyList<string> runs) => _missing.Doubt(runs);

    /// <summary>The stream stands, or it does not: then nothing is asked.</summary>
    public void Listen(bool listening) => _listening = listening;

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        bool learned = false;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                if (!learned)
                {
                    await _missing.LearnAsync(cancel);
                    await _totals.LearnAsync(cancel);
                    learned = true;
                }
                await _wake.WaitAsync(_missing.IsHurried ? TimeSpan.FromMilliseconds(100) : Tick, cancel);
                if (_listening)
                {
                    await TurnAsync(cancel);
                }
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                // Whatever broke off: cancelling closes connections.
                return;
            }
            catch (Exception problem) when (problem is IOException or BrokerException or StoreException or TimeoutException)
            {
                LogNotAsked(settings.Name, problem.Message);
                await Task.Delay(Stall, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception unforeseen)
            {
                // Nobody waits for this loop before the server stops: it would end unseen.
                LogStumbled(settings.Name, unforeseen);
                await Task.Delay(Stall, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    async Task TurnAsync(CancellationToken cancel)
    {
        await _missing.AskAsync(_book, watch, new Visits(ReadRecordsAsync, VisitAsync), cancel);
        await VisitAsync(cancel);
        if (_missing.IsHurried)
        {
            return; // what follows waits for workers, and can wait itself
        }
        await _totals.LookAsync(_hearing.Awaited(Standings().Beating, Instant.Now(clock)), cancel);
        await TellUnseenAsync(cancel);
        await flags.LookAsync(Standings().Beating, cancel);
    }

    Task VisitAsync(CancellationToken cancel) => DueAsync((visit, due) => visit.MakeAsync(due, SettleAsync, cancel));

    Task ReadRecordsAsync(CancellationToken cancel) => DueAsync((visit, due) => visit.ReadAsync(due, SettleAsync, cancel));

    async Task DueAsync(Func<Visit, IReadOnlyList<Inquiry>, Task> ask)
    {
        IReadOnlyList<Inquiry> due = _book.Due(Instant.Now(clock), MostAtOnce);
        if (due.Count > 0)
        {
            await ask(new Visit(settings.Name, evidence, log, Standings, _hearing, lostAfter, clock), due);
        }
    }

    WorkerStandings Standings()
    {
        Instant now = Instant.Now(clock);
        return new WorkerStandings(watch.Snapshot(now), watch.UnbrokenSince, now);
    }

    /// <summary>What came out of some questions: facts go to the log, the book learns when to ask again.</summary>
    async Task SettleAsync(IReadOnlyList<Answer> answers, CancellationToken cancel)
    {
        TaskEvent[] facts = [.. answers.SelectMany(answer => answer.Concluded.Facts)];
        if (facts.Length > 0)
        {
            await log.AppendAsync(facts, cancel);
            LogReconciled(answers.Count(answer => answer.Concluded.Facts.Count > 0), settings.Name);
        }
        Instant now = Instant.Now(clock);
        foreach (Answer answer in answers)
        {
            _book.Note(answer.Inquiry, answer.Concluded.Next, answer.Complete, now, answer.Again);
            // Of a run that the log does not know nothing is concluded from its absence.
            if (answer is { Known: null, Concluded.Next: NextStep.AskAgain, Inquiry.Rounds: >= 2, IsWithBroker: false })
            {
                _book.Drop(answer.Inquiry.Id);
            }
            _missing.Settle(answer);
            _unseen.Explain(answer, now);
        }
    }

    /// <summary>Starts that a worker counted and nothing explains: all that will ever be known of them.</summary>
    async Task TellUnseenAsync(CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        foreach ((string worker, long starts) in _missing.TakeStarts())
        {
            _unseen.Add(worker, starts, _missing.LastGap, now, _totals);
        }
        IReadOnlyList<UnseenStarts.Pending> untold = _unseen.Take(now, _totals);
        IReadOnlyList<Sample> known = untold.Count == 0 ? [] : await log.Queries.LatestSamplesAsync(SampleKinds.UnseenStarts, cancel);
        foreach (UnseenStarts.Pending pending in untold)
        {
            IReadOnlyList<KeyValuePair<string, long>> tasks = pending is { Before: { } before, After: { } after } ? await _totals.UnloggedAsync(pending.Worker, before, after, pending.From, cancel) : [];
            var unseen = UnseenStart.Of(pending.From, pending.To, pending.Starts, tasks);
            log.Refuse(settings.Name, $"starts unseen on {pending.Worker}", unseen.Starts);
            await log.SampleAsync([unseen.ToSample(settings.Name, pending.Worker, UnseenStart.Read(known, settings.Name, pending.Worker))], cancel);
            LogUnseen(settings.Name, pending.Worker, unseen);
        }
    }

    [LoggerMessage(2121, LogLevel.Information, "Filled in {Runs} runs of {Source} whose events were not heard")]
    partial void LogReconciled(int runs, string source);

    [LoggerMessage(2123, LogLevel.Error, "Asking what became of open runs of {Source} stopped unexpectedly and goes on")]
    partial void LogStumbled(string source, Exception problem);

    [LoggerMessage(2124, LogLevel.Information, "Starts on {Worker} of {Source} that nobody saw: {Unseen}")]
    partial void LogUnseen(string source, string worker, UnseenStart unseen);

    [LoggerMessage(2122, LogLevel.Warning, "What became of open runs of {Source} could not be asked: {Problem}. Trying again.")]
    partial void LogNotAsked(string source, string problem);
}
