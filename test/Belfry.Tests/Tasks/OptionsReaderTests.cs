using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Tasks;

public sealed class OptionsReaderTests
{
    [Fact]
    [Trait("row", "66")]
    public void Options_have_the_defaults_that_are_documented()
    {
        var options = new BelfryOptions();
        TaskOptions task = options.Defaults;
        Assert.Equal((Execution.Async, TimeSpan.FromMinutes(30), 0, OverlapPolicy.Skip, true, false), (task.Execution, task.Timeout, task.Priority, task.Overlap, task.CatchUp, task.RetryLost));
        Assert.Equal((true, true, true), (options.SilenceConditionErrors, options.SilencePrerunErrors, options.SilenceLoggingErrors));
        Assert.Equal((Environment.ProcessorCount, DuplicateNames.Refuse, ShutdownPolicy.Wait, null), (options.MaxProcesses, options.DuplicateNames, options.Shutdown, options.ShutDownWhen));
        Assert.Equal((TimeZoneInfo.Local, "local"), (options.TimeZone, options.Source));
    }

    [Fact]
    [Trait("row", "66")]
    public void Options_are_read_from_configuration_and_reach_every_task()
    {
        BelfryBuilder? belfry = null;
        new ServiceCollection().AddBelfry(builder =>
        {
            belfry = builder;
            builder.AddTask("import", Never, () => { });
            builder.Configure(Section(
                ("Timeout", "never"), ("Execution", "thread"), ("Priority", "-3"), ("Overlap", "queue"), ("Misfire", "5 minutes"), ("CatchUp", "false"), ("Crash", "Wait"),
                ("Jitter", "2s"), ("TimeZone", "Europe/Berlin"), ("MaxProcesses", "3"), ("SilenceLoggingErrors", "False"), ("ShutDownWhen", "time of day after 22:00"),
                ("Shutdown", "End"), ("DuplicateNames", "rename"), ("Source", "shop"), ("Parameters:region", "eu")));
        });
        BelfryOptions options = belfry!.Options;
        TaskOptions task = belfry.Registry.Find("import")!.Options;
        Assert.Equal((Timeout.InfiniteTimeSpan, true, -3, OverlapPolicy.Queue, TimeSpan.FromMinutes(5)), (task.Timeout, task.LongRunning, task.Priority, task.Overlap, task.Misfire));
        Assert.Equal((false, CrashPolicy.Wait, TimeSpan.FromSeconds(2)), (task.CatchUp, task.Crash, task.Jitter));
        Assert.Equal(("Europe/Berlin", 3, false, TimeOfDay.After("22:00")), (options.TimeZone.Id, options.MaxProcesses, options.SilenceLoggingErrors, options.ShutDownWhen));
        Assert.Equal((ShutdownPolicy.End, DuplicateNames.Rename, "shop", "eu"), (options.Shutdown, options.DuplicateNames, options.Source, options.Parameters["region"]));
    }

    [Fact]
    [Trait("row", "66")]
    public void All_wrong_values_are_told_with_their_keys()
    {
        var refused = Assert.Throws<RegistrationException>(() => new ServiceCollection().AddBelfry(belfry => belfry.Configure(Section(
            ("Execution", "fork"), ("Timeout", "5"), ("Overlap", "maybe"), ("CatchUp", "yes"), ("TimeZone", "Mars/Base"), ("MaxProcesses", "0"), ("ShutDownWhen", "dayly"), ("CycleSleep", "0.1")))));
        Assert.Equal(8, refused.Problems.Count);
        Assert.Contains("Belfry:Execution: 'fork' is no execution: use async, inline, process or thread", refused.Problems);
        Assert.Contains("Belfry:MaxProcesses: '0' is no number from 1", refused.Problems);
        Assert.Contains(refused.Problems, problem => problem.StartsWith("Belfry:ShutDownWhen: ", StringComparison.Ordinal) && problem.EndsWith("(at 1)", StringComparison.Ordinal));
        Assert.Contains(refused.Problems, problem => problem.StartsWith("Belfry:CycleSleep is no setting of Belfry's; known are ", StringComparison.Ordinal));
    }

    static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create<string, string?>("Belfry:" + value.Key, value.Value))).Build().GetSection("Belfry");
}
