using Belfry.Celery;
using Belfry.Celery.Events;
using Belfry.Celery.RabbitMq;
using Belfry.Mail;
using Belfry.Server.Access;
using Belfry.Server.Sources;
using Belfry.Storage;

namespace Belfry.Server;

/// <summary>Looks at everything a server needs, and tells what is wrong and how to mend it. It changes nothing, and works beside a running server.</summary>
public sealed class Doctor(BelfrySettings settings, TimeProvider clock)
{
    const long LittleSpace = 1L << 30;
    const int AccessRefused = 403;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    static readonly TimeSpan LongClock = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LookBack = TimeSpan.FromHours(24);

    readonly List<Finding> _findings = [];
    readonly List<(string Source, TimeSpan Offset)> _clocks = [];

    /// <summary>Everything found, in the order of the way of an event.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancel)
    {
        using RunQueries? log = await OpenAsync(cancel);
        if (!settings.Log.Enabled)
        {
            Add(FindingLevel.Note, "log", "switched off", "nothing is captured", "Set Log:Enabled to true");
        }
        foreach (SourceSettings source in settings.Sources)
        {
            await ExamineAsync(source, log, cancel);
        }
        await ExamineFlagsAsync(log, cancel);
        if (log is not null)
        {
            await ExamineEventsAsync(log, cancel);
            await ExamineWorkersAsync(log, cancel);
        }
        await ExamineMailAsync(cancel);
        await ExamineAccessAsync(cancel);
        ExamineClock();
        return _findings;
    }

    async Task<RunQueries?> OpenAsync(CancellationToken cancel)
    {
        try
        {
            RunQueries log = await RunQueries.OpenAsync(StoreUrl.Parse(settings.Store), clock, cancel);
            StoreStatus store = await log.StatusAsync(cancel);
            string facts = $"{store.Engine}, schema {store.Schema}, {FigureText.Bytes(store.Bytes)}, {store.EndedRuns + store.OpenRuns:N0} runs"
                + (store.FreeBytes is { } free ? $", {FigureText.Bytes(free)} free" : "");
            bool full = store.FreeBytes < LittleSpace;
            Add(full ? FindingLevel.Problem : FindingLevel.Well, "store", store.Url, facts, full ? "Make room on that disk: a log that cannot be written keeps its sources waiting" : null);
            bool lacks = settings.Log.FullTextIndex && store.TextIndexLacks is not null, made = !settings.Log.FullTextIndex || store.TextIndex is not null;
            Add(made && !lacks ? FindingLevel.Well : FindingLevel.Note, "full-text index", "", store.TellTextIndex(settings.Log.FullTextIndex), made || lacks ? null : "The server makes it");
            foreach (string damage in await log.DamageAsync(cancel))
            {
                Add(FindingLevel.Problem, "store", store.Url, damage, "The file is damaged: stop the server, keep a copy of the file, and go on with a backup");
            }
            return log;
        }
        catch (StoreException e)
        {
            Add(FindingLevel.Problem, "store", StoreUrl.Parse(settings.Store).ToString(), e.Message, e.IsMissing ? "'belfry serve' creates the log; name another with --store" : null);
            return null;
        }
    }

    async Task ExamineAsync(SourceSettings source, RunQueries? log, CancellationToken cancel)
    {
        SourceStatus? known = log is null ? null : (await log.SourcesAsync(cancel)).FirstOrDefault(status => Is(source, status));
        string heard = (known?.LastEvent is { } last ? $"last event {FigureText.Age(Instant.Now(clock) - last)} ago" : "no event yet") + (known?.Reader is { } reader ? $", read by {reader}" : "");
        BrokerUrl url = source.ToCluster().Broker;
        try
        {
            BrokerAnswer answer = await BrokerProbe.AskAsync(source.ToCluster(), Patience, clock, cancel);
            if (answer.ClockOffset is { } offset)
            {
                _clocks.Add((source.Name, offset));
            }
            if (answer.Alarm is { } alarm)
            {
                Add(FindingLevel.Problem, "broker", $"{source.Name} {url}", $"{answer.Server} takes no messages: it is {alarm}. Workers send no events, and nothing can be called",
                    "Give it room, or have its queues worked off; 'rabbitmq-diagnostics alarms' tells which node lacks what");
                return;
            }
            Add(known?.Problem is null ? FindingLevel.Well : FindingLevel.Problem, "broker", $"{source.Name} {url}", $"{answer.Server}, {known?.Problem ?? heard}", null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            string mend = e is RabbitException { Code: AccessRefused } && e.Message.Contains("access to", StringComparison.Ordinal)
                ? $"Let the user configure, write and read celeryev.belfry.*, read {source.EventExchange}, write amq.default and {source.ControlExchange}.pidbox (rabbitmqctl set_permissions)"
                : $"Start the broker, or mend the address of source {source.Name} ({heard})";
            Add(FindingLevel.Problem, "broker", $"{source.Name} {url}", e.Message.Replace($"{url} ", ""), mend);
        }
    }

    /// <summary>What Celery itself does not tell, because a setting is off.</summary>
    async Task ExamineFlagsAsync(RunQueries? log, CancellationToken cancel)
    {
        WorkerStatus[] workers = log is null ? [] : [.. (await log.WorkersAsync(cancel)).Where(worker => worker.Online)];
        foreach (Cluster cluster in new Clusters(settings.Sources, clock).All)
        {
            try
            {
                foreach (FlagFinding flag in await FlagWatch.AskAsync(cluster.Control, [.. workers.Where(worker => worker.Source == cluster.Name).Select(worker => worker.Name)], cancel) ?? [])
                {
                    Add(FindingLevel.Note, "celery", $"{cluster.Name} {flag.Setting}", $"off on {string.Join(", ", flag.Workers)}: {flag.Cost}", $"Set {flag.Setting}{(flag.Setting.Contains('=', StringComparison.Ordinal) || flag.Setting == "result_backend" ? "" : " = True")} in the application");
                }
            }
            catch (Exception e) when (e is IOException or BrokerException)
            {
                // Told of its broker already.
            }
        }
    }

    async Task ExamineEventsAsync(RunQueries log, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        foreach (SourceStatus source in (await log.SourcesAsync(cancel)).Where(known => settings.Sources.TrueForAll(set => !Is(set, known))))
        {
            string heard = source.LastEvent is { } last ? $"last event {FigureText.Age(now - last)} ago" : "no event yet";
            bool unseen = EventStreams.IsOne(source.Kind);
            Add(source.Problem is not null ? FindingLevel.Problem : unseen ? FindingLevel.Note : FindingLevel.Well, "source", $"{source.Name} ({source.Kind})", source.Problem ?? heard,
                unseen ? "To look at its broker and workers, too, name it: --broker URL, or Sources in the settings" : null);
        }
        foreach (IGrouping<string, SourceGap> gaps in (await log.GapsAsync(now - LookBack, now, cancel)).GroupBy(gap => gap.Source))
        {
            SourceGap last = gaps.MaxBy(gap => gap.From)!;
            TimeSpan missed = gaps.Aggregate(TimeSpan.Zero, (sum, gap) => sum + ((gap.To ?? now) - Instant.Max(gap.From, now - LookBack)));
            Add(FindingLevel.Note, "gaps", gaps.Key, $"{gaps.Count()} in 24 h, {FigureText.Age(missed)} in all; last: {last.Reason}" + (last.To is null ? ", and it lasts" : ""), null);
        }
        foreach (Storage.Refusal refusal in await log.RefusalsAsync(cancel))
        {
            Add(FindingLevel.Note, "refused", refusal.Source, $"{refusal.What}: {(refusal.Times == 1 ? "once" : $"{refusal.Times:N0} times")}, last {FigureText.Age(now - refusal.Last)} ago", null);
        }
    }

    async Task ExamineWorkersAsync(RunQueries log, CancellationToken cancel)
    {
        Instant now = Instant.Now(clock);
        // One that has been silent for a day was taken away, not lost.
        WorkerStatus[] workers = [.. (await log.WorkersAsync(cancel)).Where(worker => worker.Online || now - worker.LastHeard < LookBack)];
        WorkerStatus[] offline = [.. workers.Where(worker => !worker.Online)];
        string[] ill = [.. (await log.SourcesAsync(cancel)).Where(source => source.Problem is not null).Select(source => source.Name)];
        foreach (WorkerStatus worker in offline)
        {
            bool unheard = ill.Contains(worker.Source); // as everybody there
            Add(unheard ? FindingLevel.Note : FindingLevel.Problem, "worker", $"{worker.Source} {worker.Name}", $"offline, last heard {FigureText.Age(now - worker.LastHeard)} ago, {worker.OpenRuns:N0} open runs",
                unheard ? $"Mend the broker of {worker.Source} first: until then nobody can say" : "Start it again, if it was not stopped on purpose");
        }
        if (workers.Length > offline.Length)
        {
            Add(FindingLevel.Well, "workers", $"{workers.Length - offline.Length} of {workers.Length} online", "", null);
        }
    }

    async Task ExamineMailAsync(CancellationToken cancel)
    {
        if (!settings.Mail.CanSend)
        {
            Add(FindingLevel.Note, "mail", "not set up", "alerts go to the error log only", "Set Mail:Host, or Mail:Folder to write files");
            return;
        }
        string place = settings.Mail.Folder.Length > 0 ? settings.Mail.Folder : $"{settings.Mail.Host}";
        try
        {
            string way = await MailProbe.TryAsync(settings.Mail, cancel).WaitAsync(settings.Mail.Timeout, clock, cancel);
            bool nobody = settings.Alerts.Administrators.Count == 0;
            Add(nobody ? FindingLevel.Note : FindingLevel.Well, "mail", way, nobody ? "nobody to tell when a check names nobody" : $"administrators: {string.Join(", ", settings.Alerts.Administrators)}", nobody ? "Set Administrators to your address" : null);
        }
        catch (Exception e) when (e is MailException or TimeoutException)
        {
            Add(FindingLevel.Problem, "mail", place, e is TimeoutException ? "no answer" : e.Message, "Mend the section Mail of the settings");
        }
    }

    async Task ExamineAccessAsync(CancellationToken cancel)
    {
        try
        {
            using StoreTables? tables = await StoreTables.OpenForReadingAsync(StoreUrl.Parse(settings.Store), AccessStore.Scripts, cancel);
            AccessList? list = tables is null ? null : await new AccessStore(tables, clock).ListAsync(cancel);
            bool admin = list?.HasAdmin == true || settings.Access.OAuth.IsSet || settings.Access.Proxy.IsSet;
            string[] ways = [.. settings.Access.OAuth.IsSet ? [$"single sign-on by {settings.Access.OAuth.Name}"] : Array.Empty<string>(), .. settings.Access.Proxy.IsSet ? [$"the proxy's header {settings.Access.Proxy.Header}"] : Array.Empty<string>()];
            Add(admin ? FindingLevel.Well : FindingLevel.Note, "access", $"{Counted(list?.Users.Count, "user")}, {Counted(list?.Tokens.Count, "token")}",
                admin ? string.Join(", ", ways) : "nobody may administer yet", admin ? null : "belfry user add NAME --role admin");
        }
        catch (StoreException)
        {
            // told already, as what is wrong with the store
        }
    }

    // A broker on the command line gets a name that another one may have in the log.
    static bool Is(SourceSettings set, SourceStatus known) => set.Name == known.Name && (!EventStreams.IsOne(known.Kind) || known.Kind == EventStreams.KindOf(set.ToCluster().Broker.Kind));

    static string Counted(int? count, string word) => count == 1 ? $"1 {word}" : $"{count ?? 0} {word}s";

    void ExamineClock()
    {
        if (_clocks.Count == 0)
        {
            Add(FindingLevel.Well, "clock", Instant.Now(clock).ToString(), "no broker to compare with", null);
        }
        foreach ((string source, TimeSpan offset) in _clocks)
        {
            bool far = offset.Duration() > LongClock;
            Add(far ? FindingLevel.Problem : FindingLevel.Well, "clock", $"{FigureText.Age(offset.Duration())} off that of {source}'s broker", "", far ? "Let both machines take their time from the same server (NTP)" : null);
        }
    }

    void Add(FindingLevel level, string subject, string place, string facts, string? mend) => _findings.Add(new Finding(level, subject, place, facts, mend));
}

/// <summary>One thing that the doctor looked at.</summary>
/// <param name="Level">How it is.</param>
/// <param name="Subject">What was looked at: <c>store</c>, <c>broker</c>, <c>worker</c> …</param>
/// <param name="Place">Which one.</param>
/// <param name="Facts">What was found.</param>
/// <param name="Mend">What to do about it; null when nothing is to be done.</param>
public sealed record Finding(FindingLevel Level, string Subject, string Place, string Facts, string? Mend);

/// <summary>How something is.</summary>
public enum FindingLevel
{
    /// <summary>Well.</summary>
    Well,

    /// <summary>Worth knowing.</summary>
    Note,

    /// <summary>Wrong.</summary>
    Problem,
}

/// <summary>FigureText as people read them: three digits.</summary>
static class FigureText
{
    public static string Bytes(long bytes)
    {
        string[] units = ["bytes", "kB", "MB", "GB", "TB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < units.Length - 1; unit++)
        {
            value /= 1000;
        }
        return unit == 0 || value >= 100 ? $"{value:0} {units[unit]}" : value >= 10 ? $"{value:0.#} {units[unit]}" : $"{value:0.##} {units[unit]}";
    }

    public static string Age(TimeSpan age) => age.TotalSeconds switch
    {
        < 1 => $"{Math.Max(0, age.TotalMilliseconds):0} ms",
        < 10 => $"{age.TotalSeconds:0.0} s",
        < 60 => $"{age.TotalSeconds:0} s",
        < 3600 => $"{age.TotalMinutes:0} min",
        < 86400 => $"{age.TotalHours:0} h",
        _ => $"{age.TotalDays:0} d",
    };
}
