using System.Reflection;
using Belfry.Tests.Runs;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Tasks;

public sealed class BelfryBuilderTests
{
    [Fact]
    public void Whoever_mistook_a_name_is_told_the_one_that_is_near_and_all_mistakes_are_told_at_once()
    {
        var refused = Assert.Throws<RegistrationException>(() => new ServiceCollection().AddBelfry(belfry =>
        {
            belfry.AddTask("import", Daily, () => { });
            belfry.AddTask("typo", AfterSuccess("imprt"), () => { });
            belfry.AddGroup("prices.", prices =>
            {
                prices.AddTask("load", Daily, () => 1);
                prices.AddTask("check", AfterSuccess("load"), ([FromReturn("load")] int n) => n);
            });
            belfry.AddTask("wrong", "dayly", () => { });
            belfry.AddTask("after wrong", AfterSuccess("wrong"), () => { });
            belfry.AddTask("nobody's", AfterSuccess("x"), () => { });
            belfry.AddCalls<IOverloaded>();
        }));
        Assert.Equal(
            [
                "AddCalls<IOverloaded>: 2 methods are the task 'IOverloaded.Send': all but one need a name of their own, [BelfryTask(\"…\")]",
                "task 'wrong': its condition is not understood: expected a condition, not 'dayly' (at 1)",
                "task 'typo': its condition names the task 'imprt', which is not registered; did you mean 'import'?",
                "task 'prices.check': its condition names the task 'load', which is not registered; did you mean 'prices.load'?",
                "task 'nobody's': its condition names the task 'x', which is not registered",
                "task 'prices.check': it takes up what is returned by the task 'load', which is not registered; did you mean 'prices.load'?",
            ],
            refused.Problems);
    }

    [Fact]
    public void Tasks_are_registered_with_conditions_or_their_text()
    {
        TaskRegistry tasks = Register(belfry =>
        {
            belfry.AddTask("do_things", (Daily | Retry(3)) & TimeOfDay.Between("10:00", "12:00"), () => { });
            belfry.AddTask("report", "after task 'do_things' & it rains", (CancellationToken cancel) => Task.Delay(1, cancel));
            belfry.AddCondition(When("it rains", () => true));
        });
        Assert.Equal(["do_things", "report"], tasks.All.Select(task => task.Name));
        Assert.Equal(AfterSuccess("do_things") & When("it rains", () => false), tasks.Find("report")!.Start);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once_with_its_place()
    {
        var refused = Assert.Throws<RegistrationException>(() => Register(belfry =>
        {
            belfry.AddTask("a", "daily & & hourly", () => { });
            belfry.AddTask("b", "cron 61 * * * *", () => { });
            belfry.AddTask("c", Daily, typeof(BelfryBuilderTests).GetMethod(nameof(FireAndForget), BindingFlags.NonPublic | BindingFlags.Static)!);
            belfry.AddTask("d", Daily, (ref int number) => number++);
            belfry.AddTask("e", Daily, () => { });
            belfry.AddTask("e", Daily, () => { });
        }));
        Assert.Equal(5, refused.Problems.Count);
        Assert.Equal("task 'a': its condition is not understood: expected a condition, not '&' (at 9)", refused.Problems[0]);
        Assert.StartsWith("task 'b': its condition is not understood: ", refused.Problems[1], StringComparison.Ordinal);
        Assert.EndsWith("(at 6)", refused.Problems[1], StringComparison.Ordinal);
        Assert.Contains("task 'c': ", refused.Problems[2], StringComparison.Ordinal);
        Assert.Contains("it is async void, so nobody can see when it ends; let it return Task", refused.Problems[2], StringComparison.Ordinal);
        Assert.EndsWith("nobody can fill in its parameter 'number'", refused.Problems[3], StringComparison.Ordinal);
        Assert.Equal("task 'e' is registered already", refused.Problems[4]);
    }

    [Fact]
    [Trait("row", "66")]
    public void Options_that_can_never_work_are_refused()
    {
        var refused = Assert.Throws<RegistrationException>(() => Register(belfry =>
        {
            belfry.Options.MaxProcesses = 0;
            belfry.Options.Source = " ";
            belfry.AddTask("a", Daily, () => { }, options => (options.Timeout, options.Jitter, options.Queue) = (TimeSpan.Zero, TimeSpan.FromSeconds(-1), ""));
            belfry.AddTask("b", Always, () => { }, options => (options.Permanent, options.Execution) = (true, Execution.Inline));
        }));
        Assert.Equal(6, refused.Problems.Count);
        Assert.Contains("MaxProcesses must be 1 or more", refused.Problems);
        Assert.Contains("task 'b': it is permanent and inline: the scheduler would wait for it for ever", refused.Problems);
    }

    [Fact]
    public void Names_that_nobody_has_and_circles_are_refused()
    {
        var unknown = Assert.Throws<RegistrationException>(() => Register(belfry =>
        {
            belfry.AddTask("a", AfterSuccess("nobody"), ([FromReturn("noone")] int number) => number, options => options.End = Failed.Of("nothing").Today);
        }));
        Assert.Equal(
            [
                "task 'a': its condition names the task 'nobody', which is not registered",
                "task 'a': its end condition names the task 'nothing', which is not registered",
                "task 'a': it takes up what is returned by the task 'noone', which is not registered",
            ],
            unknown.Problems);
        var circle = Assert.Throws<RegistrationException>(() => Register(belfry =>
        {
            belfry.AddTask("a", AfterSuccess("b"), () => { });
            belfry.AddTask("b", AfterSuccess("a"), () => { });
        }));
        Assert.Contains("it can never start: it waits for 'b', which waits for 'a'", circle.Message, StringComparison.Ordinal);
        Assert.Single(Register(belfry =>
        {
            belfry.AddTask("a", AfterSuccess("celery.download"), () => { });
            belfry.ExpectTasks("celery.download");
        }).All);
    }

    [Fact]
    [Trait("row", "62")]
    public void A_group_gives_its_tasks_a_prefix_a_condition_and_options()
    {
        TaskRegistry tasks = Register(belfry =>
        {
            belfry.AddGroup("prices.", prices =>
            {
                prices.AddTask("load", Hourly, () => { });
                prices.AddTask("check", AfterSuccess("prices.load"), () => { }, options => options.Priority = 9);
                prices.AddTask("repair", Never, () => { });
                prices.AddGroup("eu.", eu => eu.AddTask("load", Daily, () => { }), TimeOfDay.Before("12:00"), options => options.Queue = "eu");
            }, TimeOfWeek.Between("Mon", "Fri"), options => (options.Execution, options.Priority) = (Execution.Process, 5));
            belfry.Options.Defaults.Timeout = TimeSpan.FromMinutes(1);
        });
        Assert.Equal(["prices.load", "prices.check", "prices.repair", "prices.eu.load"], tasks.All.Select(task => task.Name));
        Assert.Equal(TimeOfWeek.Between("Mon", "Fri") & Hourly, tasks.Find("prices.load")!.Start);
        Assert.Equal(Never, tasks.Find("prices.repair")!.Start);
        Assert.Equal(TimeOfWeek.Between("Mon", "Fri") & TimeOfDay.Before("12:00") & Daily, tasks.Find("prices.eu.load")!.Start);
        Assert.Equal((Execution.Process, 5, TimeSpan.FromMinutes(1)), Of(tasks, "prices.load"));
        Assert.Equal((Execution.Process, 9, TimeSpan.FromMinutes(1)), Of(tasks, "prices.check"));
        Assert.Equal("eu", tasks.Find("prices.eu.load")!.Options.Queue);
        Assert.Equal("default", tasks.Find("prices.load")!.Options.Queue);
    }

    [Fact]
    [Trait("row", "1")]
    public async Task Marked_methods_are_tasks_static_ones_and_those_of_services()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTasksFromAssembly(typeof(BelfryBuilderTests).Assembly), services => services.AddSingleton<IReports, Reports>());
        TaskDefinition import = workshop.Tasks.Find("ImportPrices")!, report = workshop.Tasks.Find("report")!;
        Assert.Equal((Never, Execution.Process, Timeout.InfiniteTimeSpan, true), (import.Start, import.Options.Execution, import.Options.Timeout, import.Options.Disabled));
        Assert.Equal((Every("10 minutes"), "slow"), (report.Start, report.Options.Queue));
        Assert.Equal("May", (await workshop.RunAsync("report", """{"month":"May"}""")).Value);
        Assert.Equal("report", TaskNames.Of(typeof(IReports).GetMethod(nameof(IReports.Send))!));
        Assert.Equal("IReports.Count", TaskNames.Of(typeof(IReports).GetMethod(nameof(IReports.Count))!));
    }

    [Fact]
    public void It_may_be_called_several_times_for_one_scheduler()
    {
        IServiceCollection services = new ServiceCollection().AddBelfry(belfry => belfry.AddTask("a", Daily, () => { })).AddBelfry(belfry => belfry.AddTask("b", AfterSuccess("a"), () => { }));
        using ServiceProvider built = services.BuildServiceProvider();
        Assert.Equal(["a", "b"], built.GetRequiredService<TaskRegistry>().All.Select(task => task.Name));
        Assert.Single(built.GetServices<TaskRunner>());
    }

    static (Execution, int, TimeSpan) Of(TaskRegistry tasks, string name) =>
        tasks.Find(name)!.Options is { } options ? (options.Execution, options.Priority, options.Timeout) : default;

    static TaskRegistry Register(Action<BelfryBuilder> tasks) =>
        new ServiceCollection().AddBelfry(tasks).BuildServiceProvider().GetRequiredService<TaskRegistry>();

    static async void FireAndForget() => await Task.Yield();

    [BelfryTask(Execution = "process", Timeout = "never", Disabled = true)]
    static void ImportPrices()
    {
    }

    interface IReports
    {
        [BelfryTask("report", Schedule = "every 10 minutes", Queue = "slow")]
        string Send(string month);

        int Count();
    }

    sealed class Reports : IReports
    {
        public string Send(string month) => month;

        public int Count() => 0;
    }

    interface IOverloaded
    {
        void Send(int number);

        void Send(string text);
    }
}
