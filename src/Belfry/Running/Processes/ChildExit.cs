using System.Globalization;

namespace Belfry;

/// <summary>What the end of a process means for a run in it that has told no outcome. Pure.</summary>
static class ChildExit
{
    // The exit code of a program that a signal ended is 128 and the signal's number; there are 64.
    const int FirstSignal = 129, LastSignal = 192;

    static readonly Dictionary<int, string> Signals = new()
    {
        [2] = "INT", [3] = "QUIT", [4] = "ILL", [6] = "ABRT: an exception that nobody caught, or Environment.FailFast", [7] = "BUS", [8] = "FPE",
        [9] = "KILL: somebody killed it, or the machine had no memory left", [11] = "SEGV: a fault in native code, or no stack left", [15] = "TERM",
    };

    /// <summary>The outcome: a program that was ended is Lost, one that ended itself is Failed, and neither is a success.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="code">Its exit code.</param>
    /// <param name="begun">The body had begun.</param>
    public static RunOutcome Outcome(int process, int code, bool begun)
    {
        if (code is >= FirstSignal and <= LastSignal)
        {
            int signal = code - FirstSignal + 1;
            string name = Signals.TryGetValue(signal, out string? known) ? $" ({known})" : "";
            return Lost($"the process {process} of the run was ended by signal {signal}{name}", begun);
        }
        if (code < 0)
        {
            return Lost(string.Create(CultureInfo.InvariantCulture, $"the process {process} of the run crashed with code 0x{code:X8}"), begun);
        }
        string what = begun
            ? $"the process {process} ended with code {code} before the task did: Environment.Exit, or the end of the program"
            : $"the program ended with code {code} before it came to run the task: by what stands before its host starts, or it has no host that starts";
        return new RunOutcome { Kind = EventKind.Failed, Exception = $"Belfry.ProcessEnded: {what}", BeforeBody = !begun };
    }

    static RunOutcome Lost(string what, bool begun) => new() { Kind = EventKind.Lost, Reason = $"worker gone: {what}", BeforeBody = !begun };
}
