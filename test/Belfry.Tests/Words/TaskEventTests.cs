namespace Belfry.Tests.Words;

/// <summary>An event keeps what few events tell in an object of its own; nobody sees that.</summary>
public sealed class TaskEventTests
{
    static readonly TaskEvent Bare = new() { Source = "s", Id = "i", Kind = EventKind.Started, At = new Instant(5) };

    [Fact]
    public void What_is_told_seldom_is_there_and_goes_again()
    {
        TaskEvent told = Bare with
        {
            Exception = "E()", Traceback = "trace", Reason = "revoked", Percent = 1, Text = "text", Eta = new Instant(1), Expires = new Instant(2), Priority = 3,
            App = "app", Context = new RunContext("m", "t", "i"), Extra = "{}", Beat = new WorkerBeat(1, 2, 3, 4, "five"), Shown = new Instant(6),
        };
        Assert.Equal(
            ("E()", "trace", "revoked", 1.0, "text", new Instant(1), new Instant(2)),
            (told.Exception, told.Traceback, told.Reason, told.Percent, told.Text, told.Eta, told.Expires));
        Assert.Equal(
            (3, "app", new RunContext("m", "t", "i"), "{}", new WorkerBeat(1, 2, 3, 4, "five"), new Instant(6), true),
            (told.Priority, told.App, told.Context, told.Extra, told.Beat, told.Shown, told.ClockOff));
        TaskEvent again = told with
        {
            Exception = null, Traceback = null, Reason = null, Percent = null, Text = null, Eta = null, Expires = null, Priority = null,
            App = null, Context = null, Extra = null, Beat = null, Shown = told.At,
        };
        Assert.Equal(Bare, again);
        Assert.Equal(Bare.GetHashCode(), again.GetHashCode());
        Assert.NotEqual(Bare, told);
        Assert.Equal("E()", told.Exception); // a copy changes nothing in what it was copied from
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_percentage_of_nothing_is_taken_as_not_told(double percent)
    {
        TaskEvent told = Bare with { Kind = EventKind.Progress, Percent = percent, Text = "0 of 0" };
        Assert.Null(told.Percent);
        Assert.Contains("0 of 0", ChildMessage.Of(told).ToLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_events_are_equal_in_whatever_order_they_were_told()
    {
        Assert.Equal(Bare with { Exception = "E()", Text = "text" }, (Bare with { Text = "text" }) with { Exception = "E()" });
        Assert.NotEqual(Bare with { Exception = "E()" }, Bare with { Text = "E()" });
    }

    [Fact]
    public void A_clock_that_is_right_follows_the_instant_as_sent()
    {
        Assert.Equal((new Instant(7), false), ((Bare with { At = new Instant(7) }).Shown, (Bare with { At = new Instant(7) }).ClockOff));
        Assert.Equal(new Instant(9), (Bare with { Shown = new Instant(9) } with { At = new Instant(7) }).Shown);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    [InlineData(3)]
    public void An_attempt_is_named_or_not(int? attempt) => Assert.Equal(attempt, (Bare with { Attempt = attempt }).Attempt);

    [Theory]
    [InlineData(0.25, 0.25)]
    [InlineData(1.00000049, 1.0)]
    [InlineData(double.NaN, null)]
    [InlineData(double.PositiveInfinity, null)]
    [InlineData(null, null)]
    public void A_runtime_is_told_in_microseconds_or_not_at_all(double? told, double? kept) => Assert.Equal(kept, (Bare with { Runtime = told }).Runtime);
}
