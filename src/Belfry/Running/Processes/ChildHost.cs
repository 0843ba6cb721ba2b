using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>
/// The child's side: this program was started again to run one task. It does so when its host starts, before any hosted service is even made, then ends.
/// </summary>
sealed class ChildHost(IServiceProvider services, string pipe) : IHostLifetime, IHostedLifecycleService
{
    /// <summary>The variable that tells a process that it is a child, and by which pipe its parent listens.</summary>
    public const string Variable = "BELFRY_CHILD";

    static readonly TimeSpan LastBreath = TimeSpan.FromSeconds(1);
    static readonly string? PipeOfParent = TakePipe();

    /// <summary>This process runs one task for its parent.</summary>
    public static bool IsHere => PipeOfParent is not null;

    /// <summary>
    /// Takes the place of what keeps a host waiting for its start. Should somebody take it back, it is the first of the hosted services as well.
    /// </summary>
    public static void Register(IServiceCollection services)
    {
        services.AddSingleton(provider => new ChildHost(provider, PipeOfParent!));
        services.AddSingleton<IHostLifetime>(provider => provider.GetRequiredService<ChildHost>());
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService>(provider => provider.GetRequiredService<ChildHost>()));
    }

    /// <summary>Runs the task and ends the process.</summary>
    public async Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        // The parent says when to end. A signal that reaches the whole group, as Ctrl-C does, is the parent's to understand.
        using PosixSignalRegistration interrupt = Ignore(PosixSignal.SIGINT), terminate = Ignore(PosixSignal.SIGTERM), hangUp = Ignore(PosixSignal.SIGHUP);
        using var parent = new ParentPipe(pipe);
        using var input = new StreamReader(Console.OpenStandardInput());
        using var stop = new CancellationTokenSource();
        Console.SetIn(TextReader.Null);
        if (await input.ReadLineAsync(cancellationToken) is { } line && JsonSerializer.Deserialize<ChildOrder>(line) is { } order)
        {
            new Thread(() => Listen(input, stop)) { IsBackground = true, Name = "belfry parent" }.Start();
            parent.Tell(ChildMessage.Of(await RunAsync(order, parent, stop.Token)));
        }
        // What was logged is on its way.
        services.GetService<ILoggerFactory>()?.Dispose();
        Environment.Exit(0);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => WaitForStartAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    async Task<RunOutcome> RunAsync(ChildOrder order, ParentPipe parent, CancellationToken stop)
    {
        if (services.GetRequiredService<TaskRegistry>().Find(order.Task) is not { } task)
        {
            return RunOutcome.Failure(new UnpreparedException($"the process has no task '{order.Task}': a task that runs in a process is registered by AddBelfry each time the program starts"));
        }
        parent.Tell(new ChildMessage { Kind = EventKind.Started });
        return await services.GetRequiredService<TaskRunner>().RunAsChildAsync(task, order, told => parent.Tell(ChildMessage.Of(told)), stop);
    }

    static void Listen(StreamReader input, CancellationTokenSource stop)
    {
        while (input.ReadLine() is not null)
        {
            stop.Cancel();
        }
        // The parent is gone: nobody hears how this ends.
        new Thread(() => Environment.Exit(1)) { IsBackground = true }.Start();
        Thread.Sleep(LastBreath);
        System.Diagnostics.Process.GetCurrentProcess().Kill();
    }

    static PosixSignalRegistration Ignore(PosixSignal signal) => PosixSignalRegistration.Create(signal, context => context.Cancel = true);

    /// <summary>Programs that the child starts are no children of this kind.</summary>
    static string? TakePipe()
    {
        string? found = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        return string.IsNullOrEmpty(found) ? null : found;
    }

    /// <summary>The pipe through which the parent hears.</summary>
    sealed class ParentPipe(string handle) : IDisposable
    {
        readonly Lock _lock = new();
        readonly StreamWriter _writer = new(new AnonymousPipeClientStream(PipeDirection.Out, handle)) { AutoFlush = true };

        /// <summary>Tells it something. When it is gone this process ends in a moment, too.</summary>
        public void Tell(ChildMessage message)
        {
            lock (_lock)
            {
                try
                {
                    _writer.WriteLine(message.ToLine());
                }
                catch (IOException)
                {
                }
            }
        }

        public void Dispose() => _writer.Dispose();
    }
}
