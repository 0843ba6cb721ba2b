using System.Diagnostics;

namespace Belfry;

/// <summary>The command that starts this program again.</summary>
static class ProgramCommand
{
    /// <summary>As it was started: the same program, the same arguments; <c>dotnet app.dll</c> where that was it.</summary>
    public static IReadOnlyList<string> Own { get; } = Of(Environment.ProcessPath ?? "", Environment.GetCommandLineArgs());

    /// <summary>The command of a process; of <c>dotnet app.dll</c> the first argument is the assembly, of a program its own name.</summary>
    public static IReadOnlyList<string> Of(string process, string[] arguments) =>
        Path.GetFileNameWithoutExtension(process).Equals("dotnet", StringComparison.OrdinalIgnoreCase) ? [process, .. arguments] : [process, .. arguments.Skip(1)];

    /// <summary>How to start it: stdin is ours, what it prints goes where this program prints.</summary>
    public static ProcessStartInfo StartInfo(IReadOnlyList<string> command, string pipe) => new(command[0], command.Skip(1))
    {
        UseShellExecute = false, RedirectStandardInput = true, Environment = { [ChildHost.Variable] = pipe },
    };
}
