using Microsoft.Extensions.Logging;

namespace Belfry.Mail;

/// <summary>Mails log records, one by one or several in a mail.</summary>
/// <remarks>
/// Who logs never waits and never sees an exception: records go into a bounded buffer, and are mailed in the background. While no mail can be sent they
/// wait there and it is tried again; what the mail server refuses for good is counted in <see cref="Dropped"/>.
/// </remarks>
[ProviderAlias("ErrorMail")]
public sealed class ErrorMailProvider : ILoggerProvider, IAsyncDisposable
{
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromMinutes(10), LastTry = TimeSpan.FromSeconds(5);

    readonly ErrorMailOptions _options;
    readonly TimeProvider _clock;
    readonly MailSender _sender;
    readonly ErrorMailTemplates _templates;
    readonly Lock _lock = new();
    readonly List<ErrorRecord> _waiting = []; // bounded by MostWaiting; emptied by what was sent
    readonly SemaphoreSlim _enough = new(0), _turn = new(1);
    readonly CancellationTokenSource _stopping = new();
    readonly Task _work;
    long _dropped, _droppedInAll;

    /// <summary>Begins to listen.</summary>
    /// <param name="options">Which records, to whom.</param>
    /// <param name="application">The application's name, for the templates.</param>
    /// <param name="clock">The time.</param>
    /// <exception cref="ArgumentException">The options are wrong; the message tells all that is.</exception>
    public ErrorMailProvider(ErrorMailOptions options, string application, TimeProvider clock)
    {
        if (options.Problems().ToList() is { Count: > 0 } problems)
        {
            throw new ArgumentException($"Error mails: {string.Join("; ", problems)}", nameof(options));
        }
        (_options, _clock) = (options, clock);
        _sender = new MailSender(options.Mail, clock);
        _templates = new ErrorMailTemplates(options, application);
        _work = Task.Run(SendWhenEnoughAsync); // whoever made it may wait on its own thread for the end
    }

    /// <summary>Why the last mail could not be sent; null when it could.</summary>
    public string? Problem { get; private set; }

    /// <summary>Records that were never mailed, because the buffer was full or the mail server refused them for good.</summary>
    public long Dropped => Interlocked.Read(ref _droppedInAll);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    /// <summary>Mails what waits, in mails of at most so many records as one may have. Without any no mail is sent.</summary>
    /// <returns>Whether nothing waits any more; <see cref="Problem"/> says why something does.</returns>
    public async Task<bool> FlushAsync(CancellationToken cancel)
    {
        while (await SendAsync(least: 1, cancel))
        {
        }
        lock (_lock)
        {
            return _waiting.Count == 0;
        }
    }

    /// <summary>Mails what waits, and takes no more; tries it for five seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }
        await _stopping.CancelAsync();
        await _work;
        using var last = new CancellationTokenSource(LastTry, _clock);
        try
        {
            await FlushAsync(last.Token);
        }
        catch (OperationCanceledException)
        {
            Problem ??= "the mail server was too slow at the end";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Task.Run(async () => await DisposeAsync()).GetAwaiter().GetResult();

    void Add(ErrorRecord record)
    {
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested || _waiting.Count >= _options.MostWaiting)
            {
                Drop(1);
                return;
            }
            _waiting.Add(record);
            if (_waiting.Count >= _options.RecordsPerMail && _enough.CurrentCount == 0)
            {
                _enough.Release();
            }
        }
    }

    void Drop(int records)
    {
        Interlocked.Add(ref _dropped, records);
        Interlocked.Add(ref _droppedInAll, records);
    }

    async Task SendWhenEnoughAsync()
    {
        TimeSpan pause = FirstPause;
        try
        {
            while (true)
            {
                await _enough.WaitAsync(_stopping.Token);
                while (await SendAsync(_options.RecordsPerMail ?? int.MaxValue, _stopping.Token))
                {
                    pause = FirstPause;
                }
                if (Problem is not null)
                {
                    await Task.Delay(pause, _clock, _stopping.Token);
                    pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
                    _enough.Release();
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // the rest is sent at the end
        }
    }

    /// <summary>Sends one mail, if so many records wait; true when one was sent.</summary>
    async Task<bool> SendAsync(int least, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            (List<ErrorRecord> records, long dropped) = Next(least);
            return records.Count > 0 && await TrySendAsync(records, dropped, cancel);
        }
        finally
        {
            _turn.Release();
        }
    }

    (List<ErrorRecord> Records, long Dropped) Next(int least)
    {
        lock (_lock)
        {
            return (_waiting.Count < least ? [] : _waiting.GetRange(0, Math.Min(_waiting.Count, _options.RecordsPerMail ?? int.MaxValue)), Interlocked.Read(ref _dropped));
        }
    }

    async Task<bool> TrySendAsync(List<ErrorRecord> records, long dropped, CancellationToken cancel)
    {
        try
        {
            await _sender.SendAsync(_templates.Write(records, dropped), cancel);
            Forget(records.Count, told: dropped);
            Problem = null;
            return true;
        }
        catch (Exception refused) when (refused is not OperationCanceledException)
        {
            Problem = refused.Message;
            if (refused is not MailException { Permanent: false }) // what no template can tell is not told the next time either
            {
                Drop(records.Count);
                Forget(records.Count, told: 0);
            }
            return false;
        }
    }

    /// <summary>Forgets records that were sent, or never will be, and how many dropped ones the mail told of.</summary>
    void Forget(int records, long told)
    {
        lock (_lock)
        {
            _waiting.RemoveRange(0, records);
            Interlocked.Add(ref _dropped, -told);
        }
    }

    sealed class Recorder(ErrorMailProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= provider._options.Level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                provider.Add(new ErrorRecord(provider._clock.GetUtcNow(), logLevel, category, eventId, Message(state, exception, formatter), exception));
            }
        }

        /// <summary>The message as it is now: what it is made of may change before it is mailed.</summary>
        static string Message<TState>(TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            try
            {
                return formatter(state, exception);
            }
            catch (Exception wrong)
            {
                return $"(a message that cannot be formatted: {wrong.Message})";
            }
        }
    }
}
