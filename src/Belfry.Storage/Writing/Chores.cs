using System.Collections.Concurrent;

namespace Belfry.Storage.Writing;

/// <summary>Work beside the groups: the log's writing thread does some pieces between two of them, so none may take long.</summary>
sealed class Chores(Action wake)
{
    readonly ConcurrentQueue<Action<Exception?>> _waiting = new(); // as many as ask at a time: each waits for its piece before it asks for the next
    volatile Exception? _over; // set once: nobody will come for what is asked now

    /// <summary>Has a piece of work done on the writing thread.</summary>
    public Task<T> DoAsync<T>(Func<T> work, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(over => Do(work, done, over, cancel));
        if (_over is { } reason)
        {
            Fail(reason);
        }
        else
        {
            wake();
        }
        return done.Task;
    }

    /// <summary>Does what waits, as long as a turn may take, and one piece at least; called by the writing thread.</summary>
    public void Do(TimeProvider clock, long began, TimeSpan turn)
    {
        while (_waiting.TryDequeue(out Action<Exception?>? work))
        {
            work(null);
            if (!_waiting.IsEmpty && clock.GetElapsedTime(began) >= turn)
            {
                wake(); // else the thread would rest before it comes round again
                return;
            }
        }
    }

    /// <summary>Tells all who still wait that it is over.</summary>
    public void Fail(Exception reason)
    {
        _over = reason;
        while (_waiting.TryDequeue(out Action<Exception?>? work))
        {
            work(reason);
        }
    }

    static void Do<T>(Func<T> work, TaskCompletionSource<T> done, Exception? over, CancellationToken cancel)
    {
        try
        {
            if (over is not null)
            {
                throw over;
            }
            cancel.ThrowIfCancellationRequested();
            done.SetResult(work());
        }
        catch (Exception refused)
        {
            done.SetException(refused);
        }
    }
}
