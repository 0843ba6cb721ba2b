using Belfry.Storage.Search;

namespace Belfry.Storage.Tests;

/// <summary>What the search language refuses, and where.</summary>
public sealed class SearchTests
{
    [Theory]
    [InlineData("colour:red", 0, "unknown field 'colour'")]
    [InlineData("ok state:broken", 3, "unknown state 'broken'")]
    [InlineData("a OR", 4, "something must follow")]
    [InlineData("(a b", 0, "never closed")]
    [InlineData("a b)", 3, "has no beginning")]
    [InlineData("say \"hello", 4, "never closed")]
    [InlineData("runtime>fast", 0, "no duration")]
    [InlineData("task>x", 0, "has no order")]
    [InlineData("task:", 5, "has no value")]
    [InlineData("started<tuesday", 0, "no time")]
    [InlineData("OR a", 0, "must stand before")]
    [InlineData("task:,", 6, "has no value")]
    [InlineData("a -(b", 3, "never closed")]
    public void What_is_not_understood_is_refused_with_its_position(string text, int position, string what)
    {
        SearchException? mistake = RunFilter.MistakeIn(text);
        Assert.NotNull(mistake);
        Assert.Equal(position, mistake.Position);
        Assert.Contains(what, mistake.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("NOT ")]
    public void What_would_go_deeper_than_the_stack_is_refused(string into) =>
        Assert.Contains("more than 100 brackets", RunFilter.MistakeIn(string.Concat(Enumerable.Repeat(into, 100_000)) + "a")!.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("plain words")]
    [InlineData("\"https://example\" OR (a -task:b)")]
    [InlineData("runtime>=1.5m wait<2h priority:5 started>2026-11-20T08:00")]
    [InlineData("started>2026-11-20T08:00:00.5-05:00 started<2026-11-21T08:00+0100")]
    public void What_is_understood_has_no_mistake(string text) => Assert.Null(RunFilter.MistakeIn(text));

    [Theory]
    [InlineData("args:\"1, 2\"", true)] // a comma in quotes divides nothing
    [InlineData("args:\"2, 1\"", false)]
    [InlineData("args:9,\"1, 2\"", true)]
    [InlineData("task:\"a, b\",c", false)]
    [InlineData("-\"timed out\"", false)]
    [InlineData("import -\"timed in\"", true)]
    [InlineData("-(timed OR nothing)", false)]
    [InlineData("-(nothing)", true)]
    [InlineData("started:2026-11-20", true)] // the whole day, minute or second that is written
    [InlineData("-started:2026-11-20", false)]
    [InlineData("started:2026-11-19", false)]
    [InlineData("started:2026-11-20T08:00", true)]
    [InlineData("started:2026-11-20T08:01", false)]
    [InlineData("started:2026-11-20T08:00:30Z", true)]
    [InlineData("started:2026-11-20T08:00:31Z", false)]
    [InlineData("started:2026-11-20T08:00:30.5Z", true)]
    [InlineData("started:2026-11-20T03:00-05:00", true)]
    [InlineData("started>=2026-11-20T03:00-05:00 started<2026-11-20T09:01+01:00", true)]
    [InlineData("started>2026-11-20T03:01-05:00", false)]
    [InlineData("started:\"2026-11-20 08:00:30\"", true)]
    [InlineData("started:\"2026-11-20 08:00:29\"", false)]
    public void What_is_written_is_what_is_searched(string text, bool found)
    {
        var at = Instant.From(new DateTimeOffset(2026, 11, 20, 8, 0, 30, 500, TimeSpan.Zero));
        var run = new TaskRun
        {
            Source = "s", Id = "1", Attempt = 1, State = RunState.Failed, At = at, First = at, Updated = at, Started = at, Task = "import", Args = "[1, 2]", Exception = "it timed out",
        };
        Assert.Equal(found, new RunFilter { Text = text }.ToPredicate()(run));
    }

    [Theory]
    [InlineData("shop.orders.tasks.run", "orders")]
    [InlineData("shop.run", "shop")]
    [InlineData("a.b.c", null)]
    [InlineData("run", null)]
    [InlineData("tasks.run", null)]
    public void The_application_is_told_by_the_name_of_the_task(string task, string? app) => Assert.Equal(app, AppNames.Of(task));
}
