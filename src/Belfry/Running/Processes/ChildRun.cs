using System.Diagnostics;
using System.IO.Pipes;
using System.Text.Json;

namespace Belfry;

/// <summary>The parent's side of a run in a process of its own: starts it, hears it, ends it, and knows when it died.</summary>
sealed class ChildRun(TaskDefinition task, RunOrder order, RunResources resources, Action<TaskEvent> report, RunLimit limit)
{
    /// <summary>How long what the child wrote may take to arrive after its end. Only another process that got hold of the pipe can make it late.</summary>
    static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    // A process that starts while another's pipe is open for inheritance would hold that open, too.
    static readonly Lock Starting = new();

    readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _heardAll = new(TaskCreationOptions.RunContinuationsAsynchronously);
    RunOutcome? _outcome;
    bool _begun;

    /// <summary>Runs it to its end.</summary>
    public async Task<RunOutcome> RunAsync()
    {
        ChildOrder all = await OrderAsync();
        (AnonymousPipeServerStream heard, Process started) = Start();
        using AnonymousPipeServerStream pipe = heard;
        using Process process = started;
        new Thread(() => Hear(pipe)) { IsBackground = true, Name = $"belfry run {order.Id}" }.Start();
        Task told = TellAsync(process, JsonSerializer.Serialize(all)); // not waited for: a program that never reads is ended as any other
        await using CancellationTokenRegistration asked = limit.Token.UnsafeRegister(_ => Own(AskToEndAsync(process, told)), null);
        await EndAsync(process);
        await _heardAll.Task.WaitAsync(LastWords, resources.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _outcome ?? (limit.Reason is { } reason ? RunOutcome.Cancelled(reason) : ChildExit.Outcome(process.Id, process.ExitCode, _begun));
    }

    (AnonymousPipeServerStream Pipe, Process Process) Start()
    {
        lock (Starting)
        {
            var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
            var process = new Process { StartInfo = ProgramCommand.StartInfo(resources.Options.ProcessCommand ?? ProgramCommand.Own, pipe.GetClientHandleAsString()) };
            try
            {
                process.Start();
                pipe.DisposeLocalCopyOfClientHandle();
                return (pipe, process);
            }
            catch (Exception)
            {
                process.Dispose();
                pipe.Dispose();
                throw;
            }
        }
    }

    /// <summary>The process ends by itself. One that has told its outcome, or was asked to end, has a while for it, and is killed then.</summary>
    async Task EndAsync(Process process)
    {
        Task ended = process.WaitForExitAsync(CancellationToken.None);
        if (await Task.WhenAny(ended, limit.GivenUp, _told.Task) == _told.Task)
        {
            await ended.WaitAsync(RunLimit.Grace, resources.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (!ended.IsCompleted)
        {
            process.Kill(entireProcessTree: true);
        }
        await ended;
    }

    async Task<ChildOrder> OrderAsync()
    {
        var returns = new Dictionary<string, JsonElement>();
        IEnumerable<string> ofAll = resources.Options.Parameters.Values.OfType<ParameterSource>().SelectMany(source => source.Returns);
        foreach (string other in task.Needs.Concat(ofAll).Distinct())
        {
            if (await resources.Returns.FindAsync(other, limit.Token) is { IsThere: true } found)
            {
                returns[other] = JsonSerializer.SerializeToElement(found.Value, resources.Options.Json);
            }
        }
        return new ChildOrder { Task = task.Name, Run = order, Returns = returns };
    }

    static async Task AskToEndAsync(Process process, Task told)
    {
        await told;
        await TellAsync(process, ChildOrder.End);
    }

    /// <summary>A child that has died cannot be told anything; that it died is seen elsewhere.</summary>
    static async Task TellAsync(Process process, string line)
    {
        try
        {
            await process.StandardInput.WriteLineAsync(line);
            await process.StandardInput.FlushAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    static void Own(Task told) => _ = told; // it never throws, and ends with the process at the latest

    void Hear(AnonymousPipeServerStream pipe)
    {
        try
        {
            using var reader = new StreamReader(pipe);
            while (reader.ReadLine() is { } line)
            {
                Take(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or JsonException)
        {
            // The pipe broke with the child, or was left behind after its end. What was told so far stands.
        }
        finally
        {
            _heardAll.TrySetResult();
        }
    }

    void Take(string line)
    {
        if (ChildMessage.Read(line) is not { } message)
        {
            return;
        }
        if (message.Kind is EventKind.Progress or EventKind.Context)
        {
            report(message.ToEvent(task, order, resources.Options.ProcessName));
        }
        else if (message.Kind == EventKind.Started)
        {
            _begun = true;
        }
        else
        {
            RunOutcome told = message.ToOutcome();
            _outcome = limit.Reason is { } reason ? told with { Kind = EventKind.Cancelled, Reason = reason, Result = null, Value = null } : told;
            _told.TrySetResult();
        }
    }
}
