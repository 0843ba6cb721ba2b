using Belfry.Testing;
using Belfry.Tests.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Belfry.Conditions;

namespace Belfry.Tests.Runs;

/// <summary>An application with windows has a thread that everything comes back to. Whoever waits on it for Belfry must not wait for ever.</summary>
public sealed class BlockingCallersTests
{
    [Fact]
    [Trait("row", "6")]
    public async Task A_function_that_is_reported_ends_for_who_waits_on_the_thread_of_a_window() =>
        await OnAWindowsThreadAsync(services => Wait(services.GetRequiredService<StatusReporter>().ReportAsync("import", () => Task.Delay(1))));

    [Fact]
    public async Task A_call_is_made_and_answered_for_who_waits_on_the_thread_of_a_window() => await OnAWindowsThreadAsync(services =>
    {
        IBelfryClient client = services.GetRequiredService<IBelfryClient>();
        string id = Wait(client.CallAsync("answer"));
        Assert.Equal(42, Wait(client.ResultAsync<int>(id)));
        Assert.False(Wait(client.RevokeAsync(id)));
    });

    [Fact]
    [Trait("row", "63")]
    public async Task A_scheduler_answers_who_waits_on_the_thread_of_a_window() => await OnAWindowsThreadAsync(services =>
    {
        Scheduler scheduler = services.GetRequiredService<Scheduler>();
        Wait(scheduler.RunNowAsync("answer"));
        Wait(scheduler.WhyAsync("answer"));
        Wait(scheduler.TasksAsync());
        Wait(scheduler.DisableAsync("answer"));
        Wait(scheduler.HoldAsync());
    });

    /// <summary>Starts an application there, does something, and stops it, all on that thread.</summary>
    static Task OnAWindowsThreadAsync(Action<IServiceProvider> work) => WindowThread.RunAsync(() =>
    {
        ServiceProvider services = new ServiceCollection().AddSingleton<IRunLogStore>(new BreakableLog { Open = Task.Delay(200) }).AddLogging()
            .AddBelfry(belfry => belfry.AddTask("answer", Never, () => 42)).BuildServiceProvider();
        IHostedService[] hosted = [.. services.GetServices<IHostedService>()];
        Array.ForEach(hosted, service => Wait(service.StartAsync(CancellationToken.None)));
        work(services);
        Array.ForEach(hosted, service => Wait(service.StopAsync(CancellationToken.None)));
        Wait(services.DisposeAsync().AsTask());
    });

    static void Wait(Task task) => task.GetAwaiter().GetResult();

    static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
