using static Belfry.Conditions;

namespace Belfry.Tests.Tasks;

public sealed class TaskRegistryTests
{
    [Fact]
    [Trait("row", "7")]
    public void A_name_that_is_taken_is_refused()
    {
        TaskRegistry tasks = With(DuplicateNames.Refuse);
        Assert.Equal("task 'import' is registered already", Assert.Throws<RegistrationException>(() => tasks.Add(Task("import", Daily))).Message);
        Assert.Equal(Hourly, Assert.Single(tasks.All).Start);
    }

    [Fact]
    [Trait("row", "7")]
    public void A_name_that_is_taken_gets_a_number()
    {
        TaskRegistry tasks = With(DuplicateNames.Rename);
        Assert.Equal("import - 1", tasks.Add(Task("import", Daily)).Name);
        Assert.Equal("import - 2", tasks.Add(Task("import", Weekly)).Name);
        Assert.Equal(["import", "import - 1", "import - 2"], tasks.All.Select(task => task.Name));
    }

    [Fact]
    [Trait("row", "7")]
    public void The_second_of_a_name_is_passed_over()
    {
        TaskRegistry tasks = With(DuplicateNames.Ignore);
        Assert.Equal(Hourly, tasks.Add(Task("import", Daily)).Start);
        Assert.Equal(Hourly, Assert.Single(tasks.All).Start);
    }

    [Fact]
    [Trait("row", "7")]
    public void The_second_of_a_name_takes_the_place_of_the_first()
    {
        TaskRegistry tasks = With(DuplicateNames.Replace);
        TaskChange? told = null;
        tasks.Changed += change => told = change;
        Assert.Equal(Daily, tasks.Add(Task("import", Daily)).Start);
        Assert.Equal(Daily, Assert.Single(tasks.All).Start);
        Assert.Equal((Hourly, Daily), (told?.Before?.Start, told?.After?.Start));
    }

    [Theory]
    [InlineData("", "a task needs a name")]
    [InlineData("  ", "a task needs a name")]
    [InlineData("a\nb", "task 'a?b': its name has characters that nobody can see")]
    [Trait("row", "8")]
    public void A_name_that_cannot_be_kept_is_refused(string name, string why) =>
        Assert.Equal(why, Assert.Throws<RegistrationException>(() => new TaskRegistry(new()).Add(Task(name, Daily))).Message);

    [Fact]
    [Trait("row", "8")]
    public void A_name_is_kept_whole_or_refused()
    {
        var tasks = new TaskRegistry(new());
        Assert.Equal(1000, tasks.Add(Task(new string('x', 1000), Daily)).Name.Length);
        string why = Assert.Throws<RegistrationException>(() => tasks.Add(Task(new string('x', 1001), Daily))).Message;
        Assert.EndsWith("its name has 1001 characters; the log keeps 1000", why, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "63")]
    public void Tasks_come_and_go_and_whoever_listens_is_told()
    {
        var tasks = new TaskRegistry(new());
        var told = new List<(string?, string?)>();
        tasks.Changed += change => told.Add((change.Before?.Name, change.After?.Name));
        tasks.Add(Task("import", Daily));
        Assert.NotNull(tasks.Find("import"));
        Assert.True(tasks.Remove("import"));
        Assert.False(tasks.Remove("import"));
        Assert.Null(tasks.Find("import"));
        Assert.Empty(tasks.All);
        Assert.Equal([(null, "import"), ("import", null)], told);
    }

    [Fact]
    public void A_task_that_waits_for_one_from_elsewhere_is_sound_once_that_is_expected()
    {
        var tasks = new TaskRegistry(new());
        tasks.Add(Task("report", AfterSuccess("gwcelery.download")));
        Assert.Contains("'gwcelery.download', which is not registered", Assert.Single(tasks.Problems()).ToString(), StringComparison.Ordinal);
        tasks.Expect(["gwcelery.download"]);
        Assert.Empty(tasks.Problems());
    }

    static TaskRegistry With(DuplicateNames policy)
    {
        var tasks = new TaskRegistry(new BelfryOptions { DuplicateNames = policy });
        tasks.Add(Task("import", Hourly));
        return tasks;
    }

    static TaskDefinition Task(string name, Condition start) => new() { Name = name, Start = start, Handler = (_, _) => System.Threading.Tasks.Task.FromResult<object?>(null) };
}
