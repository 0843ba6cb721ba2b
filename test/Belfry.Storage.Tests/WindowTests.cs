using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Belfry.Conditions;

namespace Belfry.Storage.Tests;

/// <summary>Applications with windows keep a log, too.</summary>
public sealed class WindowTests
{
    [Fact]
    public async Task An_application_that_waits_on_the_thread_of_its_window_opens_its_log_calls_and_closes()
    {
        using var folder = new TempFolder();
        await WindowThread.RunAsync(() =>
        {
            ServiceProvider services = new ServiceCollection().AddLogging().AddBelfry(belfry =>
            {
                belfry.UseSqlite(folder.File("tasks.db"));
                belfry.AddTask("answer", Never, () => 42);
            }).BuildServiceProvider();
            IHostedService[] hosted = [.. services.GetServices<IHostedService>()];
            Array.ForEach(hosted, service => service.StartAsync(CancellationToken.None).GetAwaiter().GetResult());
            var client = services.GetRequiredService<IBelfryClient>();
            Assert.Equal(42, client.ResultAsync<int>(client.CallAsync("answer").GetAwaiter().GetResult()).GetAwaiter().GetResult());
            Array.ForEach(hosted, service => service.StopAsync(CancellationToken.None).GetAwaiter().GetResult());
            services.DisposeAsync().AsTask().GetAwaiter().GetResult();
        });
    }
}
