namespace Belfry;

/// <summary>How an application without a store reports to a server.</summary>
public sealed class ServerLogOptions
{
    /// <summary>Where events lie until the server has them, in a folder for each process at a time; <c>belfry-spool</c> in the working directory by default.</summary>
    public string Folder { get; set; } = "belfry-spool";

    /// <summary>How many bytes may wait there; 256 MB by default. Beyond, the log counts as not writable until the server takes some.</summary>
    public long MostWaiting { get; set; } = 256L * 1024 * 1024;

    /// <summary>How many events are sent at once, at most; 2,000 by default.</summary>
    public int EventsAtOnce { get; set; } = 2000;

    /// <summary>How long an event waits for company before it is sent; 200 ms by default.</summary>
    public TimeSpan Wait { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the server may take to answer; 15 s by default.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long it pauses at most between two tries while the server is away; a minute by default, at first a second.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>What runs are held for conditions and questions; the usual of a log in memory by default.</summary>
    public MemoryLogOptions Memory { get; } = new();
}
