namespace Belfry.Tests.Words;

public sealed class RunStateTests
{
    [Theory]
    [InlineData(RunState.Pending, "PENDING", "sent", "pending")]
    [InlineData(RunState.Queued, "RECEIVED", "Enqueued", "Scheduled", "queued")]
    [InlineData(RunState.Running, "STARTED", "run", "Processing", "Running")]
    [InlineData(RunState.Completed, "SUCCESS", "succeeded", "success", "ok", "Completed")]
    [InlineData(RunState.Failed, "FAILURE", "fail", "error", "Stopped", "failed")]
    [InlineData(RunState.Retried, "RETRY", "Invalidated")]
    [InlineData(RunState.Cancelled, "REVOKED", "REJECTED", "terminate", "Deleted")]
    [InlineData(RunState.Skipped, "inaction", "ignored")]
    [InlineData(RunState.Lost, "crash", "LOST")]
    public void A_state_is_understood_by_every_name_it_has(RunState state, params string[] names) =>
        Assert.All(names, name => Assert.Equal(state, RunStates.Parse(name)));

    [Fact]
    public void An_unknown_state_is_named_and_the_known_ones_are_listed()
    {
        FormatException refused = Assert.Throws<FormatException>(() => RunStates.Parse("Finished?"));
        Assert.Contains("'Finished?'", refused.Message, StringComparison.Ordinal);
        Assert.All(Enum.GetNames<RunState>(), name => Assert.Contains(name, refused.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_state_is_listed_once() => Assert.Equal(Enum.GetValues<RunState>().Order(), RunStates.All.Order());
}
