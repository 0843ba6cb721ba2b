using Belfry.Testing;
using Belfry.Tests.Scheduling;
using static Belfry.Conditions;

namespace Belfry.Tests.Runs;

/// <summary>Handlers that do everything wrong, under a scheduler at work.</summary>
public sealed class BadHandlerTests
{
    [Fact]
    [Trait("row", "2")]
    [Trait("row", "37")]
    [Trait("row", "54")]
    public async Task Whatever_a_handler_does_is_logged_and_the_scheduler_goes_on()
    {
        using var let = new SemaphoreSlim(0);
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Options.ProcessCommand = [Path.Combine(
                Machine.Root, "test", "Belfry.Errands", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "Belfry.Errands")];
            belfry.AddTask("constructor", Daily, typeof(Broken).GetMethod(nameof(Broken.Work))!);
            belfry.AddTask("block", Daily, () => let.Wait(CancellationToken.None), options => options.Timeout = TimeSpan.FromMilliseconds(50));
            belfry.AddTask("circle", Daily, () => new Circle());
            belfry.AddTask("throw", Daily, void () => throw new Odd("odd"));
            belfry.AddTask("exit", Daily, () => { }, options => options.Execution = Execution.Process);
            belfry.AddTask("sound", Every("100 ms"), () => 1);
        });
        Assert.Equal((RunState.Failed, "System.NotSupportedException: Broken, which has the method of task 'constructor', cannot be made: no driver"), await OutcomeAsync(tower, "constructor"));
        Assert.Equal((RunState.Failed, "Belfry.Tests.Runs.BadHandlerTests.Odd: odd"), await OutcomeAsync(tower, "throw"));
        Assert.Contains("cannot be written as JSON", (await OutcomeAsync(tower, "circle")).Why, StringComparison.Ordinal);
        Assert.Equal((RunState.Cancelled, "timeout"), await OutcomeAsync(tower, "block"));
        (RunState state, string? why) = await OutcomeAsync(tower, "exit");
        Assert.Equal(RunState.Failed, state);
        Assert.Contains("ended with code", why, StringComparison.Ordinal);
        int sound = (await tower.RunsAsync("sound")).Count;
        await tower.EndedAsync("sound", sound + 2);
        let.Release();
    }

    static async Task<(RunState State, string? Why)> OutcomeAsync(Belltower tower, string task) => (await tower.EndedAsync(task))[0] is var run ? (run.State, run.Exception ?? run.Reason) : default;

    sealed class Odd(string what) : Exception(what)
    {
        public override string ToString() => throw new InvalidOperationException("I do not speak");
    }

    sealed class Broken
    {
        public Broken() => throw new NotSupportedException("no driver");

        public void Work()
        {
        }
    }

    sealed class Circle
    {
        public Circle Self => this;
    }
}
