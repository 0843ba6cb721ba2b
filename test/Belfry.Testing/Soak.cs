namespace Belfry.Testing;

/// <summary>Small counts for every day, full ones for <c>eng/soak</c> (variable <c>BELFRY_SOAK</c>).</summary>
public static class Soak
{
    /// <summary>The full counts are wanted.</summary>
    public static bool On { get; } = Environment.GetEnvironmentVariable("BELFRY_SOAK") is "1" or "true";

    /// <summary>The count for this run.</summary>
    public static T Count<T>(T small, T full) => On ? full : small;
}
