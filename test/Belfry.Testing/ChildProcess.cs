using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Belfry.Testing;

/// <summary>A program that a test runs: its output is kept, and it never outlives the test.</summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    readonly Process _process;
    readonly Lock _lock = new();
    readonly StringBuilder _output = new(), _errors = new();
    readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _waiting = [];
    readonly List<string> _lines = [];
    readonly Action<string>? _heard;
    bool _disposed;

    ChildProcess(Process process, Action<string>? heard) => (_process, _heard) = (process, heard);

    /// <summary>Starts a program.</summary>
    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Where it works; here when null.</param>
    /// <param name="environment">Variables to set, or with null to take away.</param>
    /// <param name="heard">Gets each line of stdout and stderr as it comes.</param>
    public static ChildProcess Start(
        string file, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null,
        Action<string>? heard = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Environment.CurrentDirectory,
        };
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }
        var child = new ChildProcess(new Process { StartInfo = start, EnableRaisingEvents = true }, heard);
        child._process.OutputDataReceived += (_, line) => child.Keep(child._output, line.Data);
        child._process.ErrorDataReceived += (_, line) => child.Keep(child._errors, line.Data);
        child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<Finished> RunAsync(
        string file, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null,
        string? input = null, TimeSpan? limit = null)
    {
        await using ChildProcess child = Start(file, arguments, folder, environment);
        if (input is not null)
        {
            await child._process.StandardInput.WriteAsync(input);
        }
        child._process.StandardInput.Close();
        int code = await child.ExitAsync(limit ?? TimeSpan.FromMinutes(1));
        return new Finished(code, child.Output, child.Errors);
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>It has ended.</summary>
    public bool HasExited => _disposed || _process.HasExited;

    /// <summary>What it wrote to stdout so far.</summary>
    public string Output => Read(_output);

    /// <summary>What it wrote to stderr so far.</summary>
    public string Errors => Read(_errors);

    /// <summary>CPU time it has used so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>CPU time that it and its children have used so far, those that ended as well; Linux tells.</summary>
    public TimeSpan FamilyCpu
    {
        get
        {
            const int ticksPerSecond = 100; // USER_HZ, the same on all of Linux' machines
            string[][] family = [.. Directory.GetDirectories("/proc").Where(folder => char.IsAsciiDigit(folder[^1])).Select(Stat).OfType<string[]>().Where(stat => IsOfFamily(stat))];
            return TimeSpan.FromSeconds(family.Sum(stat => stat[13..(IsItself(stat) ? 17 : 15)].Sum(double.Parse)) / ticksPerSecond);
        }
    }

    /// <summary>Waits for a line of stdout or stderr, also one that has been written already.</summary>
    /// <exception cref="TimeoutException">It did not come, or the program ended first; the message has all its output.</exception>
    public async Task<string> LineAsync(Func<string, bool> wanted, TimeSpan? limit = null)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_lines.Find(line => wanted(line)) is { } line)
            {
                return line;
            }
            _waiting.Add((wanted, found));
        }
        using var over = new CancellationTokenSource();
        Task first = await Task.WhenAny(found.Task, _process.WaitForExitAsync(over.Token), Task.Delay(limit ?? TimeSpan.FromSeconds(30), over.Token));
        await over.CancelAsync();
        return found.Task.IsCompletedSuccessfully
            ? await found.Task
            : throw new TimeoutException($"{(first is Task { IsCompleted: true } && HasExited ? "it ended" : "no such line")}: {Story()}");
    }

    /// <summary>Writes a line to its stdin.</summary>
    public async Task TellAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Ends its stdin.</summary>
    public void EndInput() => _process.StandardInput.Close();

    /// <summary>Sends a signal: 2 INT, 9 KILL, 15 TERM, 18 CONT, 19 STOP.</summary>
    public void Signal(int number)
    {
        if (!HasExited)
        {
            _ = Kill(_process.Id, number);
        }
    }

    /// <summary>Waits for its end and tells the exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan? limit = null)
    {
        using var over = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(30));
        try
        {
            await _process.WaitForExitAsync(over.Token);
        }
        catch (OperationCanceledException ended)
        {
            throw new TimeoutException("it does not end: " + Story(), ended);
        }
        return _process.ExitCode;
    }

    /// <summary>Kills it and its children; what it said stays readable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }
        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    /// <summary>What ran and all that it said, for a failed test.</summary>
    public string Story() => $"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}\n{Output}{Errors}";

    bool IsOfFamily(string[] stat) => IsItself(stat) || stat[3] == $"{_process.Id}";

    bool IsItself(string[] stat) => stat[0] == $"{_process.Id}";

    /// <summary>What Linux tells of a process; null when it has just ended, or is none.</summary>
    static string[]? Stat(string folder)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(folder, "stat"));
            int name = text.IndexOf('('), rest = text.LastIndexOf(')');
            return name > 0 ? [text[..name].Trim(), "", .. text[(rest + 2)..].Split(' ')] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    void Keep(StringBuilder where, string? line)
    {
        if (line is null)
        {
            return;
        }
        _heard?.Invoke(line);
        lock (_lock)
        {
            where.Append(line).Append('\n');
            _lines.Add(line);
            foreach ((_, TaskCompletionSource<string> found) in _waiting.Where(waiter => waiter.Wanted(line)))
            {
                found.TrySetResult(line);
            }
        }
    }

    string Read(StringBuilder text)
    {
        lock (_lock)
        {
            return text.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}

/// <summary>How a program ended.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Output">stdout.</param>
/// <param name="Errors">stderr.</param>
public sealed record Finished(int Code, string Output, string Errors);
