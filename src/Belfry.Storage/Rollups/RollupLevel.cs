namespace Belfry.Storage.Rollups;

/// <summary>The widths of time that have cells of their own.</summary>
enum RollupLevel
{
    Minute,
    Hour,
    Day,
}

/// <summary>
/// The key of a cell holds its bucket of time and its name. Minutes and hours lie in order of time, since they go when they are old; days lie name by
/// name: they stay, and a report reads a name's days in one stretch.
/// </summary>
static class RollupKeys
{
    /// <summary>The name that stands for all runs; 1,048,574 names can have cells of their own, later ones count only here.</summary>
    public const long All = (1 << NameBits) - 1;

    /// <summary>A key's lower bits: the name, of a day the day.</summary>
    public const int NameBits = 20;

    /// <summary>A key of a minute or an hour is its bucket above its name.</summary>
    public static long FirstOf(long bucket) => bucket << NameBits;

    public static string Table(this RollupLevel level) => level switch { RollupLevel.Minute => "minute", RollupLevel.Hour => "hour", _ => "day" };

    /// <summary>How many of them a bucket of the level above holds.</summary>
    public static int InOneAbove(this RollupLevel level) => level == RollupLevel.Minute ? 60 : 24;

    public static long Micros(this RollupLevel level) => level switch
    {
        RollupLevel.Minute => 60_000_000,
        RollupLevel.Hour => 3_600_000_000,
        _ => 86_400_000_000,
    };

    /// <summary>The bucket of an instant; those that no cell's key can hold fall into the first or the last.</summary>
    public static long BucketOf(this RollupLevel level, Instant at) =>
        Math.Clamp(at.Micros / level.Micros(), 0, level == RollupLevel.Day ? All : long.MaxValue >> NameBits);

    /// <summary>The minute of an instant, as cells count it.</summary>
    public static long MinuteOf(Instant at) => RollupLevel.Minute.BucketOf(at);

    /// <summary>The hour of an instant, as cells count it.</summary>
    public static long HourOf(Instant at) => RollupLevel.Hour.BucketOf(at);

    /// <summary>Bucket and name of a key.</summary>
    public static (long Bucket, long Name) Parts(this RollupLevel level, long key) =>
        level == RollupLevel.Day ? (key & All, key >> NameBits) : (key >> NameBits, key & All);

    /// <summary>The key of the cell above, of the same name.</summary>
    public static long Above(this RollupLevel level, long key)
    {
        (long bucket, long name) = level.Parts(key);
        bucket /= level.InOneAbove();
        return level == RollupLevel.Minute ? FirstOf(bucket) | name : (name << NameBits) | Math.Min(bucket, All);
    }
}
