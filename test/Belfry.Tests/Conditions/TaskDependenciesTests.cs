namespace Belfry.Tests.Conditions;

/// <summary>What is refused when tasks are registered: names that nobody has, and tasks that wait for each other for ever.</summary>
public sealed class TaskDependenciesTests
{
    [Theory]
    [InlineData("a: daily; b: after task 'a'", "")]
    [InlineData("a: after task 'lood'", "task 'a': its condition names the task 'lood', which is not registered")]
    [InlineData("a: daily | task 'x' has failed today", "task 'a': its condition names the task 'x', which is not registered")]
    [InlineData("a: !task 'x' is running", "task 'a': its condition names the task 'x', which is not registered")]
    [InlineData("a: after task 'elsewhere'", "")]
    [InlineData("a: when 'it rains'", "task 'a': its condition calls the function 'it rains', which is not registered")]
    [InlineData("a: when 'it shines'", "")]
    [InlineData("a: after task 'b'; b: after task 'a'", "task 'a': it can never start: it waits for 'b', which waits for 'a'|task 'b': it can never start: it waits for 'a', which waits for 'b'")]
    [InlineData("a: daily & after task 'b'; b: daily & after task 'a'", "task 'a': it can never start: it waits for 'b', which waits for 'a'|task 'b': it can never start: it waits for 'a', which waits for 'b'")]
    [InlineData("a: after task 'a'", "task 'a': it can never start: it waits for 'a'")]
    [InlineData("a: after task 'b'; b: after task 'c'; c: task 'b' has succeeded today", "task 'a': it can never start: it waits for 'b', which waits for 'c', which waits for 'b'|task 'b': it can never start: it waits for 'c', which waits for 'b'|task 'c': it can never start: it waits for 'b', which waits for 'c'")]
    [InlineData("load: daily | after task 'repair'; repair: after task 'load' failed", "")]
    [InlineData("a: !task 'b' is running; b: after task 'a'", "")]
    [InlineData("a: task 'b' has succeeded < 3; b: after task 'a'", "")]
    [InlineData("a: after task 'b' | never; b: after task 'a'", "task 'a': it can never start: it waits for 'b', which waits for 'a'|task 'b': it can never start: it waits for 'a', which waits for 'b'")]
    [InlineData("a: never; b: after task 'a'", "")]
    public void Tasks_are_looked_at_together(string tasks, string problems)
    {
        Dictionary<string, Condition> conditions = tasks.Split("; ").Select(task => task.Split(": ")).ToDictionary(task => task[0], task => Condition.Parse(task[1]));
        Assert.Equal(problems, string.Join('|', TaskDependencies.Problems(conditions, ["elsewhere"], [Belfry.Conditions.When("it shines", () => true)])));
    }
}
