using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Belfry;

/// <summary>The reported runs that are at work: a process that ends in their midst tells that they were cut off.</summary>
sealed class OpenReports : IDisposable
{
    static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(2);

    readonly ConcurrentDictionary<string, TaskEvent> _open; // each is taken out by its end
    readonly ReportWriter _writer;
    readonly Func<TaskEvent, RunOutcome, TaskEvent> _ended;
    readonly PosixSignalRegistration _interrupt;

    public OpenReports(ConcurrentDictionary<string, TaskEvent> open, ReportWriter writer, Func<TaskEvent, RunOutcome, TaskEvent> ended)
    {
        (_open, _writer, _ended) = (open, writer, ended);
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        // Ctrl-C ends a program without a host before it could say goodbye.
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => CutOff("interrupted"));
    }

    public void Add(TaskEvent started) => _open[started.Id] = started;

    public void Remove(TaskEvent started) => _open.TryRemove(started.Id, out _);

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _interrupt.Dispose();
    }

    void OnExit(object? sender, EventArgs e) => CutOff("the process ended");

    /// <summary>Where a host stops in peace after Ctrl-C, they may still end by themselves: then that stands, because any outcome ranks above a cancellation.</summary>
    void CutOff(string reason)
    {
        TaskEvent[] open = [.. _open.Values];
        foreach (TaskEvent started in open)
        {
            _writer.Add(_ended(started, RunOutcome.Cancelled(reason)));
        }
        if (open.Length > 0)
        {
            _writer.Flush(LastWrite);
        }
    }
}
