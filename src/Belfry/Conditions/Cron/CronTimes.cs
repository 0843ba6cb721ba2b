using System.Numerics;

namespace Belfry;

/// <summary>The times of a day at which an expression matches, as bits.</summary>
readonly record struct CronTimes(ulong Seconds, ulong Minutes, ulong Hours)
{
    /// <summary>The hour field leaves no hour out.</summary>
    public bool IsEveryHour => Hours == CronField.Hour.All;

    /// <summary>No minute is left out, and no second, or there are none.</summary>
    public bool IsAlways => IsEveryHour && Minutes == CronField.Minute.All && (Seconds == 1 || Seconds == CronField.Second.All);

    /// <summary>The first match from a second of the day on.</summary>
    public int? Next(int from)
    {
        int hour = from / 3600, minute = from / 60 % 60;
        if (Has(Hours, hour))
        {
            if (Has(Minutes, minute) && From(Seconds, from % 60) is { } second)
            {
                return Of(hour, minute, second);
            }
            if (From(Minutes, minute + 1) is { } later)
            {
                return Of(hour, later, From(Seconds, 0)!.Value);
            }
        }
        return From(Hours, hour + 1) is { } next ? Of(next, From(Minutes, 0)!.Value, From(Seconds, 0)!.Value) : null;
    }

    /// <summary>The last match up to a second of the day.</summary>
    public int? Previous(int upTo)
    {
        int hour = upTo / 3600, minute = upTo / 60 % 60;
        if (Has(Hours, hour))
        {
            if (Has(Minutes, minute) && UpTo(Seconds, upTo % 60) is { } second)
            {
                return Of(hour, minute, second);
            }
            if (UpTo(Minutes, minute - 1) is { } earlier)
            {
                return Of(hour, earlier, UpTo(Seconds, 59)!.Value);
            }
        }
        return UpTo(Hours, hour - 1) is { } previous ? Of(previous, UpTo(Minutes, 59)!.Value, UpTo(Seconds, 59)!.Value) : null;
    }

    static int Of(int hour, int minute, int second) => (hour * 3600) + (minute * 60) + second;

    static bool Has(ulong bits, int value) => (bits >> value & 1) != 0;

    static int? From(ulong bits, int value) => bits >> value << value is > 0 and var left ? BitOperations.TrailingZeroCount(left) : null;

    static int? UpTo(ulong bits, int value) => value >= 0 && (bits & (ulong.MaxValue >> (63 - value))) is > 0 and var left ? BitOperations.Log2(left) : null;
}
