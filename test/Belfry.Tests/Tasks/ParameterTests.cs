using Belfry.Tests.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static Belfry.Conditions;

namespace Belfry.Tests.Tasks;

public sealed class ParameterTests
{
    [Theory]
    [InlineData(true, true, true, true, "call")]
    [InlineData(false, true, true, true, "task")]
    [InlineData(false, false, true, true, "function")]
    [InlineData(false, false, false, true, "process")]
    [InlineData(false, false, false, false, "default")]
    [Trait("row", "60")]
    public async Task The_nearest_wins(bool call, bool task, bool function, bool process, string expected)
    {
        const string variable = "BELFRY_TEST_PARAMETERS";
        string name = function ? variable : variable + "_NOT";
        Environment.SetEnvironmentVariable(variable, "function");
        await using var workshop = new Workshop(belfry =>
        {
            Delegate handler = function ? ([FromEnvironment(variable)] string region = "default") => region : (string region = "default") => region;
            belfry.AddTask("report", Never, handler, options =>
            {
                if (task)
                {
                    options.Parameters["region"] = "task";
                }
            });
            if (process)
            {
                belfry.Options.Parameters["region"] = "process";
            }
        });
        Assert.Equal(expected, (await workshop.RunAsync("report", call ? """{"region":"call"}""" : null)).Value);
    }

    [Fact]
    [Trait("row", "60")]
    public async Task What_belongs_to_the_run_and_services_is_injected()
    {
        await using var workshop = new Workshop(
            belfry => belfry.AddTask("report", Never, (
                CancellationToken cancel, TaskRunContext run, TaskDefinition task, ILogger logger, IServiceProvider services, TimeProvider clock,
                [FromKeyedServices("eu")] string region, IEnumerable<Uri> addresses) =>
                cancel.CanBeCanceled && run.RunId == "run-1" && task.Name == "report" && logger == run.Logger && services == run.Services
                && clock == TimeProvider.System && region == "Europe" && addresses.Single().Host == "example.org"),
            services => services.AddKeyedSingleton("eu", "Europe").AddSingleton(new Uri("http://example.org")));
        Assert.Equal(true, (await workshop.RunAsync("report")).Value);
    }

    [Fact]
    [Trait("row", "60")]
    public async Task Values_come_from_arguments_functions_variables_and_the_command_line_each_else_the_next()
    {
        Environment.SetEnvironmentVariable("BELFRY_TEST_PORT", "8080");
        await using var workshop = new Workshop(belfry =>
        {
            belfry.Options.Parameters["base"] = 10;
            belfry.Options.Parameters["shared"] = From.Argument("base");
            belfry.AddTask("all", Never, (int shared, int computed, int port, int missing, TimeSpan wait) => new object[] { shared, computed, port, missing, wait }, options =>
            {
                options.Parameters["computed"] = From.Function(async (int @base) =>
                {
                    await Task.Yield();
                    return @base + 1;
                });
                options.Parameters["port"] = From.CommandLine("--port").Or(From.Environment("BELFRY_TEST_PORT"));
                options.Parameters["missing"] = From.Environment("BELFRY_TEST_NONE").Or(From.CommandLine("--none")).Or(7);
                options.Parameters["wait"] = "5 minutes";
            });
        });
        Assert.Equal(new object[] { 10, 11, 8080, 7, TimeSpan.FromMinutes(5) }, (await workshop.RunAsync("all")).Value);
    }

    [Theory]
    [InlineData("--region", "eu", "eu")]
    [InlineData("--region=eu", null, "eu")]
    [InlineData("--region", "--verbose", "true")]
    [InlineData("--region", "-5", "-5")]
    [InlineData("--region", "-v", "true")]
    [InlineData("--region", null, "true")]
    [InlineData("--regions", "eu", null)]
    [Trait("row", "60")]
    public void An_option_of_the_command_line_has_a_value_or_is_true(string first, string? second, string? expected) =>
        Assert.Equal(expected, CommandLineOption.Find("--region", second is null ? ["program", first] : ["program", first, second]));

    [Fact]
    [Trait("row", "61")]
    public async Task What_one_task_returns_the_next_takes_up()
    {
        await using var workshop = new Workshop(belfry =>
        {
            belfry.AddTask("extract", Daily, () => new List<int> { 3, 4 });
            belfry.AddTask("sum", AfterSuccess("extract"), ([FromReturn("extract")] IReadOnlyList<int> prices) => prices.Sum());
            belfry.AddTask("twice", AfterSuccess("sum"), (long sum) => sum * 2, options => options.Parameters["sum"] = From.Return("sum"));
            belfry.AddTask("early", Never, ([FromReturn("twice")] int sum = -1) => sum);
        });
        Assert.Equal(-1, (await workshop.RunAsync("early")).Value);
        Assert.Equal((EventKind.Failed, true), (await workshop.RunAsync("sum")) is var too ? (too.Kind, too.BeforeBody) : default);
        await workshop.RunAsync("extract");
        Assert.Equal(7, (await workshop.RunAsync("sum")).Value);
        Assert.Equal(14L, (await workshop.RunAsync("twice")).Value);
        Assert.Equal(14, (await workshop.RunAsync("early")).Value);
    }

    [Fact]
    [Trait("row", "60")]
    public async Task Arguments_come_in_order_or_by_name_past_what_is_injected()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask(
            "send", Never, (TimeProvider clock, int month, CancellationToken cancel, [FromArgument("to")] string[] recipients, Shade shade = Shade.Dark) =>
                $"{month} {string.Join(',', recipients)} {shade}"));
        Assert.Equal("5 a,b Dark", (await workshop.RunAsync("send", args: """[5, ["a","b"]]""")).Value);
        Assert.Equal("5 a Light", (await workshop.RunAsync("send", """{"to":["a"],"shade":"Light"}""", "[5]")).Value);
        Assert.Equal("5  Dark", (await workshop.RunAsync("send", """{"to":[],"month":"5"}""")).Value);
    }

    [Theory]
    [InlineData("""{"mont":5}""", null, "task 'send' has no parameter 'mont'; it has 'month', 'to'")]
    [InlineData(null, """[5,"a",6]""", "the call gives 3 values in order, and task 'send' takes 'month', 'to'")]
    [InlineData("""{"month":5}""", "[5]", "the call gives the parameter 'month' of task 'send' twice: in order and by name")]
    [InlineData("[5]", null, "the call's arguments by name are no JSON object")]
    [InlineData(null, "[5", "the call's arguments in order are no JSON array: ")]
    [InlineData("""{"month":"May"}""", null, "the parameter 'month' of task 'send' has a value that does not fit: it is no int")]
    [InlineData("""{"month":null}""", null, "the parameter 'month' of task 'send' has a value that does not fit: nothing is no int")]
    [InlineData("{}", null, "the parameter 'month' of task 'send' has no value: the call has none, options of the task and of the process do not name it, and int is no service that is registered")]
    [Trait("row", "60")]
    public async Task What_a_call_gives_wrongly_is_a_failure_that_says_so(string? kwargs, string? args, string why)
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("send", Never, (int month, [FromArgument("to")] string to = "") => month + to));
        RunOutcome outcome = await workshop.RunAsync("send", kwargs, args);
        Assert.Equal((EventKind.Failed, true), (outcome.Kind, outcome.BeforeBody));
        Assert.Contains(why, outcome.Exception, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("row", "60")]
    public async Task A_private_value_is_told_nowhere()
    {
        await using var workshop = new Workshop(belfry =>
        {
            belfry.AddTask("send", Never, ([Private] int key, string user) => user + key, options => options.Parameters["user"] = From.Private("s3cret"));
            belfry.AddTask("wrong", Never, (int user) => user, options => options.Parameters["user"] = From.Private("s3cret"));
        });
        RunOutcome given = await workshop.RunAsync("send", """{"key":"s3cret"}"""), wrong = await workshop.RunAsync("wrong");
        Assert.Equal((EventKind.Failed, EventKind.Failed), (given.Kind, wrong.Kind));
        Assert.DoesNotContain("s3cret", $"{given.Exception}{given.Traceback}{wrong.Exception}{wrong.Traceback}{From.Private("s3cret")}", StringComparison.Ordinal);
        Assert.DoesNotContain(workshop.Diary, record => $"{record.Text}{record.Error}".Contains("s3cret", StringComparison.Ordinal));
        Assert.True(workshop.Tasks.Find("send")!.Parameters.Single(parameter => parameter.Name == "key").IsPrivate);
    }

    [Fact]
    public async Task Parameters_that_lead_in_a_circle_are_a_failure()
    {
        await using var workshop = new Workshop(belfry => belfry.AddTask("send", Never, (int a) => a, options =>
        {
            options.Parameters["a"] = From.Argument("b");
            options.Parameters["b"] = From.Argument("a");
        }));
        Assert.Contains("leads back to itself", (await workshop.RunAsync("send")).Exception, StringComparison.Ordinal);
    }

    enum Shade
    {
        Dark,
        Light,
    }
}
