using Belfry.Celery.Reconciling;

namespace Belfry.Celery.Tests.Reconciling;

public sealed class InquiryBookTests
{
    static readonly Instant Begin = new(1_795_000_000_000_000);

    readonly InquiryBook _book = new();

    [Fact]
    public void A_run_that_is_found_nowhere_is_asked_about_again_three_seconds_later()
    {
        _book.Ask("a", null, Begin);
        Inquiry first = Due(0).Single();
        _book.Note(first, NextStep.AskAgain, complete: true, Begin, null);
        Assert.Empty(Due(2.9));
        Assert.Equal(1, Due(3).Single().Rounds);
    }

    [Fact]
    public void Rounds_that_could_not_read_every_place_do_not_count_and_come_again_after_1_2_and_at_most_60_seconds()
    {
        _book.Ask("a", null, Begin);
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], Pauses(8, NextStep.AskAgain, complete: false));
        Assert.Equal(0, Due(10_000).Single().Rounds);
    }

    [Fact]
    public void A_run_that_was_found_is_asked_about_again_after_20_40_and_at_most_600_seconds() =>
        Assert.Equal([20, 40, 80, 160, 320, 600, 600], Pauses(7, NextStep.Running, complete: null));

    [Fact]
    public void A_verdict_that_has_to_wait_comes_when_it_can()
    {
        _book.Ask("a", null, Begin);
        _book.Note(Due(0).Single(), NextStep.AskAgain, complete: true, Begin, null);
        _book.Note(Due(3).Single(), NextStep.AskAgain, complete: true, Begin + TimeSpan.FromSeconds(3), Begin + TimeSpan.FromSeconds(64));
        Assert.Empty(Due(63.9));
        Assert.Equal(2, Due(64).Single().Rounds);
    }

    [Fact]
    public void A_new_sign_begins_the_rounds_anew()
    {
        _book.Ask("a", null, Begin);
        _book.Note(Due(0).Single(), NextStep.AskAgain, complete: true, Begin, null);
        _book.Ask("a", new Gap(Begin, Begin), Begin);
        Assert.Equal((0, new Gap(Begin, Begin)), (Due(0).Single().Rounds, Due(0).Single().Gap));
    }

    [Fact]
    public void That_a_worker_counts_otherwise_hastens_the_next_round_and_does_not_begin_them_anew()
    {
        _book.Hasten("a", Begin);
        _book.Note(Due(0).Single(), NextStep.AskAgain, complete: true, Begin, null);
        _book.Hasten("a", Begin + TimeSpan.FromSeconds(2));
        Assert.Empty(Due(2.9));
        Assert.Equal(1, Due(3).Single().Rounds);
        _book.Note(Due(3).Single(), NextStep.Running, complete: null, Begin + TimeSpan.FromSeconds(3), null);
        Assert.Empty(Due(5));
        _book.Hasten("a", Begin + TimeSpan.FromSeconds(5));
        Assert.Equal(0, Due(5).Single().Rounds);
    }

    [Theory]
    [InlineData(NextStep.Settled)]
    [InlineData(NextStep.Lost)]
    [InlineData(NextStep.Closed)]
    public void A_run_whose_end_is_known_is_not_asked_about_any_more(NextStep next)
    {
        _book.Ask("a", null, Begin);
        _book.Note(Due(0).Single(), next, complete: true, Begin, null);
        Assert.False(_book.Has("a"));
    }

    [Fact]
    public void A_full_book_refuses_open_runs_and_has_room_for_what_went_by_in_a_gap()
    {
        const int room = 200_000;
        Assert.All(Enumerable.Range(0, room), number => _book.Ask($"open {number}", null, Begin));
        Assert.False(_book.Ask("one more", null, Begin));
        Assert.True(_book.Ask("open 7", null, Begin));
        Assert.All(Enumerable.Range(0, room), number => Assert.True(_book.Ask($"gone by {number}", new Gap(Begin, Begin), Begin)));
        Assert.False(_book.Ask("one more", new Gap(Begin, Begin), Begin));
    }

    [Fact]
    public void An_open_run_is_asked_about_30_seconds_after_the_last_that_was_heard_of_it_and_after_its_own_time()
    {
        var run = new TaskRun { Source = "c", Id = "a", Attempt = 1, State = RunState.Queued, At = Begin, First = Begin, Updated = Begin };
        Assert.Equal(Begin + TimeSpan.FromSeconds(30), InquiryBook.FirstDue(run));
        Assert.Equal(Begin + TimeSpan.FromSeconds(90), InquiryBook.FirstDue(run with { Eta = Begin + TimeSpan.FromSeconds(60) }));
    }

    [Fact]
    public void A_worker_that_was_silent_three_times_is_waited_for_once_a_minute_until_it_answers()
    {
        var hearing = new Hearing();
        Instant now = Begin;
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(["w"], hearing.Awaited(["w"], now));
            now = Begin + TimeSpan.FromSeconds(2 * i);
            hearing.Note([], ["w"], now);
            hearing.Note([], ["w"], now + TimeSpan.FromSeconds(1.9)); // it may be about to connect anew
        }
        Assert.Empty(hearing.Awaited(["w"], now + TimeSpan.FromSeconds(59)));
        Assert.Equal(["w"], hearing.Awaited(["w"], now + TimeSpan.FromSeconds(60)));
        hearing.Note(["w"], [], Begin);
        Assert.False(hearing.IsDeaf("w"));
    }

    [Fact]
    public void However_many_were_deaf_once_a_new_one_is_found_out()
    {
        var hearing = new Hearing();
        for (int pod = 0; pod < 50_000; pod += 100)
        {
            hearing.Note([], [.. Enumerable.Range(pod, 100).Select(number => $"pod-{number}")], Begin + TimeSpan.FromSeconds(pod));
        }
        for (int i = 0; i < 3; i++)
        {
            hearing.Note([], ["w"], Begin + TimeSpan.FromDays(1) + TimeSpan.FromSeconds(2 * i));
        }
        Assert.True(hearing.IsDeaf("w"));
    }

    List<double> Pauses(int times, NextStep next, bool? complete)
    {
        _book.Ask("a", null, Begin);
        Instant now = Begin;
        var pauses = new List<double>();
        for (int i = 0; i < times; i++)
        {
            Inquiry inquiry = _book.Due(now, 10).Single();
            _book.Note(inquiry, next, complete, now, null);
            pauses.Add((inquiry.At - now).TotalSeconds);
            now = inquiry.At;
        }
        return pauses;
    }

    IReadOnlyList<Inquiry> Due(double seconds) => _book.Due(Begin + TimeSpan.FromSeconds(seconds), 10);
}
