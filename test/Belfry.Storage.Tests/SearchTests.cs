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
    public void What_is_understood_has_no_mistake(string text) => Assert.Null(RunFilter.MistakeIn(text));

    [Theory]
    [InlineData("shop.orders.tasks.run", "orders")]
    [InlineData("shop.run", "shop")]
    [InlineData("a.b.c", null)]
    [InlineData("run", null)]
    [InlineData("tasks.run", null)]
    public void The_application_is_told_by_the_name_of_the_task(string task, string? app) => Assert.Equal(app, AppNames.Of(task));
}
