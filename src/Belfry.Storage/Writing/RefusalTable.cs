namespace Belfry.Storage.Writing;

/// <summary>The table of what was refused, in words that both engines understand. Reasons may hold names from outside, so they are bounded in number and in time.</summary>
static class RefusalTable
{
    /// <summary>So many different ones of a source are told apart; the rest counts together.</summary>
    public const int KindsPerSource = 1000;

    /// <summary>What the rest counts as.</summary>
    public const string Others = "others";

    /// <summary>So long one stays that does not come again.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(90);

    /// <summary>Counts one: source, what, times, last.</summary>
    public static readonly string Count = $"""
        INSERT INTO refusal(source, what, times, last)
        SELECT $1, CASE
          WHEN EXISTS(SELECT 1 FROM refusal WHERE source = $1 AND what = $2) OR (SELECT count(*) FROM refusal WHERE source = $1) < {KindsPerSource} THEN $2
          ELSE '{Others}' END, $3, $4
        WHERE TRUE
        ON CONFLICT(source, what) DO UPDATE SET
          times = refusal.times + excluded.times, last = CASE WHEN refusal.last > excluded.last THEN refusal.last ELSE excluded.last END
        """;

    /// <summary>Forgets those that did not come since.</summary>
    public const string Forget = "DELETE FROM refusal WHERE last < $1";
}
