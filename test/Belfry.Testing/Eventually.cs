using System.Diagnostics;

namespace Belfry.Testing;

/// <summary>Waits for what another process does. Nothing tells us of it, so it is asked for again and again.</summary>
public static class Eventually
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until the answer is not null, and gives it.</summary>
    /// <exception cref="TimeoutException">It stayed null.</exception>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T?>> ask, TimeSpan? limit = null)
        where T : class
    {
        TimeSpan allowed = limit ?? TimeSpan.FromSeconds(30);
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }
            if (Stopwatch.GetElapsedTime(begin) > allowed)
            {
                throw new TimeoutException($"not within {allowed.TotalSeconds:0} s: {what}");
            }
            await Task.Delay(Pause);
        }
    }

    /// <summary>Asks until it holds.</summary>
    /// <exception cref="TimeoutException">It did not.</exception>
    public static Task HoldsAsync(string what, Func<Task<bool>> ask, TimeSpan? limit = null) =>
        GetAsync(what, async () => await ask() ? what : null, limit);

    /// <summary>Asks until it holds.</summary>
    /// <exception cref="TimeoutException">It did not.</exception>
    public static Task HoldsAsync(string what, Func<bool> ask, TimeSpan? limit = null) =>
        GetAsync(what, () => Task.FromResult(ask() ? what : null), limit);
}
