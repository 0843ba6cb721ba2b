using System.Runtime.CompilerServices;

namespace Belfry;

/// <summary>What few events tell, and few runs have: it lies apart, so that the others are half as large.</summary>
sealed record SeldomTold
{
    static readonly SeldomTold Nothing = new();

    public Instant? Shown { get; init; }

    public Instant? Until { get; init; }

    public string? Exception { get; init; }

    public string? Traceback { get; init; }

    public string? Reason { get; init; }

    public double? Percent { get; init; }

    public string? Text { get; init; }

    public Instant? Eta { get; init; }

    public Instant? Expires { get; init; }

    public int? Priority { get; init; }

    public string? App { get; init; }

    public RunContext? Context { get; init; }

    public string? Extra { get; init; }

    public WorkerBeat? Beat { get; init; }

    /// <summary>Puts a field in. Where nothing is told nothing is kept, so those that are equal have equal fields.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Tell<T>(ref SeldomTold? seldom, T value, Func<SeldomTold, T, SeldomTold> told)
    {
        if (value is not null || seldom is not null)
        {
            SeldomTold now = told(seldom ?? Nothing, value);
            seldom = now == Nothing ? null : now;
        }
    }
}

/// <summary>An instant or none, in the room of an instant. The very first instant that there is, 290,000 years back, counts as the one after it.</summary>
readonly record struct Moment
{
    readonly long _fromFirst; // 0 is none

    public Moment(Instant? instant) => _fromFirst = instant is { } known ? Math.Max(known.Micros, long.MinValue + 1) ^ long.MinValue : 0;

    public Instant? Value => _fromFirst == 0 ? null : new Instant(_fromFirst ^ long.MinValue);
}
