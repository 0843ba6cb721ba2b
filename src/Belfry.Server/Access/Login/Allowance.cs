namespace Belfry.Server.Access;

/// <summary>So many tries at once, then one each so often; by key.</summary>
/// <param name="burst">Tries at once.</param>
/// <param name="each">How long until another one is earned.</param>
/// <param name="clock">The time.</param>
/// <param name="most">How many keys are told apart; those beyond share one allowance.</param>
sealed class Allowance(int burst, TimeSpan each, TimeProvider clock, int most = 10_000)
{
    const string Others = "\0others";

    readonly Lock _lock = new();
    readonly Dictionary<string, (double Left, long At)> _spent = []; // bounded by most; who has all tries again is forgotten
    long? _looked;

    /// <summary>Spends a try; false when none is left.</summary>
    public bool TryTake(string key)
    {
        long now = clock.GetTimestamp();
        lock (_lock)
        {
            if (_spent.Count >= most && !_spent.ContainsKey(key))
            {
                ForgetRested(now);
                key = _spent.Count < most ? key : Others;
            }
            double left = Left(key, now);
            _spent[key] = (left >= 1 ? left - 1 : left, now);
            return left >= 1;
        }
    }

    /// <summary>Gives a try back.</summary>
    public void GiveBack(string key)
    {
        lock (_lock)
        {
            key = _spent.ContainsKey(key) ? key : Others;
            if (_spent.TryGetValue(key, out (double Left, long At) spent))
            {
                _spent[key] = (Math.Min(burst, spent.Left + 1), spent.At);
            }
        }
    }

    /// <summary>Gives all tries back.</summary>
    public void Forgive(string key)
    {
        lock (_lock)
        {
            _spent.Remove(key);
        }
    }

    double Left(string key, long now) => _spent.TryGetValue(key, out (double Left, long At) spent) ? Math.Min(burst, spent.Left + (clock.GetElapsedTime(spent.At, now) / each)) : burst;

    /// <summary>At most once a second: whoever makes up keys must not make us look through all of them each time.</summary>
    void ForgetRested(long now)
    {
        if (_looked is { } last && clock.GetElapsedTime(last, now) < TimeSpan.FromSeconds(1))
        {
            return;
        }
        _looked = now;
        foreach (string key in _spent.Keys.Where(key => Left(key, now) >= burst).ToList())
        {
            _spent.Remove(key);
        }
    }
}
