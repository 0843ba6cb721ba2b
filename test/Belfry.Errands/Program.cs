using System.Diagnostics;
using Belfry;
using Belfry.Errands;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Belfry.Conditions;

if (args.Contains("--leave"))
{
    return 7;
}
if (args is ["--report", var how, var folder])
{
    return await Reported.RunAsync(how, folder);
}
if (args is ["--schedule", var log])
{
    return await Scheduled.RunAsync(log);
}
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddHostedService<Trap>();
builder.Services.AddBelfry(belfry =>
{
    belfry.Options.Parameters["greeting"] = "Hello";
    belfry.AddTask("greet", Never, (string greeting, string name, [FromCommandLine("--mark")] string mark = "!") => $"{greeting} {name}{mark}");
    belfry.AddTask("where", Never, () => new { process = Environment.ProcessId, child = Environment.GetEnvironmentVariable("BELFRY_CHILD"), input = Console.In.ReadLine() });
    belfry.AddTask("make", Never, () => new[] { 1, 2, 3 });
    belfry.AddTask("sum", Never, ([FromReturn("make")] int[] numbers) => numbers.Sum());
    belfry.AddTask("report", Never, (TaskRunContext run) =>
    {
        Console.WriteLine("a line that is no message");
        run.Report(50, "half of it");
        run.SetContext("prices", "daily", "7");
    });
    belfry.AddTask("fail", Never, Errand.Fail);
    belfry.AddTask("skip", Never, void () => throw new TaskSkippedException("nothing there"));
    belfry.AddTask("circle", Never, () => new Ring());
    belfry.AddTask("exit", Never, (int code = 0) => Environment.Exit(code));
    belfry.AddTask("die", Never, Errand.Die);
    belfry.AddTask("kill", Never, () => Process.GetCurrentProcess().Kill());
    belfry.AddTask("obey", Never, async (TaskRunContext run, CancellationToken cancel) =>
    {
        run.Report(0, $"{Environment.ProcessId}");
        await Task.Delay(Timeout.Infinite, cancel);
    });
    belfry.AddTask("hang", Never, (TaskRunContext run) =>
    {
        run.Report(0, $"{Environment.ProcessId}");
        Thread.Sleep(Timeout.Infinite);
    });
    belfry.AddTask("linger", Never, () =>
    {
        new Thread(() => Thread.Sleep(Timeout.Infinite)).Start();
        return "done";
    });
});
if (args.Contains("--own-lifetime"))
{
    builder.Services.AddSingleton<IHostLifetime, Stranger>();
}
await builder.Build().RunAsync();
return 0;

namespace Belfry.Errands
{
    static class Errand
    {
        public static void Fail() => throw new InvalidOperationException("no prices today");

        public static void Die()
        {
            new Thread(() => throw new InvalidOperationException("nobody catches this")).Start();
            Thread.Sleep(Timeout.Infinite);
        }
    }

    sealed class Ring
    {
        public Ring Next => this;
    }

    /// <summary>A program without a host, as cron starts it, that reports one function.</summary>
    static class Reported
    {
        public static async Task<int> RunAsync(string how, string folder)
        {
            await using ServiceProvider services = new ServiceCollection().AddBelfry(belfry =>
            {
                belfry.UseCsv(folder);
                belfry.Options.ReportedFailures = how == "quietly" ? ReportedFailures.ExitCode : ReportedFailures.Throw;
            }).BuildServiceProvider();
            var taskStatus = services.GetRequiredService<StatusReporter>();
            await taskStatus.ReportAsync("import", () => ImportAsync(how));
            return Environment.ExitCode;
        }

        static async Task ImportAsync(string how)
        {
            switch (how)
            {
                case "exit":
                    Environment.Exit(0);
                    break;
                case "wait":
                    Console.WriteLine("at work");
                    await Task.Delay(Timeout.Infinite);
                    break;
                default:
                    throw new InvalidOperationException("no prices today");
            }
        }
    }

    /// <summary>A program with a task that ends when it is told to, and not before.</summary>
    static class Scheduled
    {
        public static async Task<int> RunAsync(string folder)
        {
            HostApplicationBuilder builder = Host.CreateApplicationBuilder();
            builder.Services.AddBelfry(belfry =>
            {
                belfry.UseCsv(folder);
                belfry.AddTask("endless", Daily, async (CancellationToken cancel) =>
                {
                    Console.WriteLine("at work");
                    await Task.Delay(Timeout.Infinite, cancel);
                });
            });
            await builder.Build().RunAsync();
            return 0;
        }
    }

    /// <summary>In a process that runs one task no hosted service may even be made; where somebody else keeps the host waiting, none may start.</summary>
    sealed class Trap : IHostedService
    {
        public Trap(IHostLifetime lifetime)
        {
            if (lifetime is not Stranger)
            {
                Environment.Exit(99);
            }
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            Environment.Exit(98);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Takes the place of what runs the task.</summary>
    sealed class Stranger : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
