namespace Belfry.Server.Access;

/// <summary>The one-time link by which the first administrator makes himself: printed where the server was started, good for an hour and for one account.</summary>
sealed class SetupLink(TimeProvider clock)
{
    /// <summary>How long it is good.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromHours(1);

    readonly Lock _lock = new();
    string? _hash; // nobody who reads this process's memory later finds the link in it
    long _made;

    /// <summary>A new key; an older one is void.</summary>
    public string Make()
    {
        string key = Secrets.New();
        lock (_lock)
        {
            (_hash, _made) = (TokenHash.Of(key), clock.GetTimestamp());
        }
        return key;
    }

    /// <summary>It is the key.</summary>
    public bool Opens(string key)
    {
        lock (_lock)
        {
            return _hash is not null && clock.GetElapsedTime(_made) < Length && Secrets.Same(_hash, TokenHash.Of(key));
        }
    }

    /// <summary>It has done its work.</summary>
    public void Void()
    {
        lock (_lock)
        {
            _hash = null;
        }
    }
}
