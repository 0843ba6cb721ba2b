using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>Real workers on Redis in times in which events are lost: the log becomes what their own logs say.</summary>
public sealed class RedisGapTests(SharedRabbit shared)
{
    /// <summary>The scenarios.</summary>
    public static TheoryData<string> Scenarios { get; } = GapPlay.Of(rabbit: false);

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Scenarios))]
    [Trait("soak", "reconcile")]
    [Trait("row", "84")]
    [Trait("row", "103")]
    public Task What_was_not_heard_is_found_out(string scenario) => GapPlay.PlayAsync(scenario, shared);
}
