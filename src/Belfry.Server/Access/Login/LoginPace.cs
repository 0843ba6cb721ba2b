namespace Belfry.Server.Access;

/// <summary>
/// How often who may try to log in. Nobody can lock others out: what an address spends is its own, a device that once logged in has an
/// allowance of its own, and only strangers share one.
/// </summary>
/// <remarks>
/// 1. A device that logged in before as that user: ten wrong passwords a minute, whatever others do.
/// 2. An address that comes for the first time in ten minutes: a share of its own, so that who attacks from a hundred addresses does not hold up
/// who comes from another.
/// 3. A stranger: what the address has left, then what that user's strangers have left together, then what all strangers have.
/// The shares are counted in hashes, of which one takes about 50 ms of a core: eight a second leave the log its cores, whoever attacks.
/// </remarks>
sealed class LoginPace(AccessSettings settings, TimeProvider clock)
{
    const string All = "";
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    readonly Allowance _devices = new(10, Minute / 10, clock);
    readonly Allowance _pairs = new(5, TimeSpan.FromSeconds(30), clock); // of a name and an address: after five wrong ones two a minute
    readonly Allowance _addresses = new(settings.Limits.Logins, Minute / settings.Limits.Logins, clock);
    readonly Allowance _firsts = new(1, 10 * Minute, clock), _newcomers = new(60, TimeSpan.FromSeconds(1.0 / 6), clock);
    readonly Allowance _strangers = new(100, TimeSpan.FromSeconds(2), clock), _all = new(20, TimeSpan.FromSeconds(0.5), clock);

    /// <summary>They may try: what they spend for it; null when they may not.</summary>
    /// <param name="name">As whom.</param>
    /// <param name="address">From where.</param>
    /// <param name="device">The device, when it logged in as that user before.</param>
    public Spending? Ask(string name, string address, string? device)
    {
        var spending = new Spending();
        bool may = device is not null
            ? spending.Take(_devices, device)
            : spending.Take(_addresses, address) && spending.Take(_pairs, Pair(name, address)) && (spending.Take(_firsts, address)
                ? spending.Take(_newcomers, All)
                : spending.Take(_strangers, name) && spending.Take(_all, All));
        if (may)
        {
            return spending;
        }
        spending.GiveBack();
        return null;
    }

    /// <summary>It was the right password: what was spent is given back, but for what all strangers share.</summary>
    public void Passed(string name, string address, string? device)
    {
        _pairs.Forgive(Pair(name, address));
        _firsts.Forgive(address);
        if (device is not null)
        {
            _devices.Forgive(device);
        }
    }

    static string Pair(string name, string address) => $"{address} {name}";
}

/// <summary>What a try costs. Who is refused before a password was looked at has not guessed, and gets it back.</summary>
sealed class Spending
{
    readonly List<(Allowance Of, string Key)> _taken = [];

    /// <summary>Takes from an allowance; false when nothing is left of it.</summary>
    public bool Take(Allowance allowance, string key)
    {
        bool taken = allowance.TryTake(key);
        if (taken)
        {
            _taken.Add((allowance, key));
        }
        return taken;
    }

    /// <summary>Gives all of it back.</summary>
    public void GiveBack() => _taken.ForEach(taken => taken.Of.GiveBack(taken.Key));
}

/// <summary>How often an address may come with a wrong token.</summary>
sealed class TokenPace(AccessSettings settings, TimeProvider clock)
{
    readonly Allowance _addresses = new(settings.Limits.WrongTokens, TimeSpan.FromMinutes(1) / settings.Limits.WrongTokens, clock);

    public bool Allows(string address) => _addresses.TryTake(address);
}

/// <summary>Checks passwords one at a time: a hash takes a core for its time, and the log needs them, too.</summary>
sealed class PasswordDesk : IDisposable
{
    const int Longest = 20; // who waits longer than these would wait for more than a second

    readonly SemaphoreSlim _known = new(1), _strangers = new(1);
    int _waiting;

    /// <summary>It is the password of that hash; null when too many wait.</summary>
    /// <param name="hash">The hash; null for a name that nobody has, which takes as long.</param>
    /// <param name="password">What was typed.</param>
    /// <param name="known">The device logged in before: it waits in a line of its own.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<bool?> MatchesAsync(string? hash, string password, bool known, CancellationToken cancel)
    {
        SemaphoreSlim line = known ? _known : _strangers;
        if (Interlocked.Increment(ref _waiting) > Longest && !known)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }
        try
        {
            await line.WaitAsync(cancel);
            try
            {
                return await Task.Run(() => Passwords.Matches(hash, password), CancellationToken.None);
            }
            finally
            {
                line.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose()
    {
        _known.Dispose();
        _strangers.Dispose();
    }
}
