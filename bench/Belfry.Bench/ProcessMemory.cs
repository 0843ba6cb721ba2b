using System.Globalization;

namespace Belfry.Bench;

/// <summary>What a process holds of the machine's memory, in bytes.</summary>
/// <param name="Now">Now.</param>
/// <param name="Most">The most that it ever held.</param>
readonly record struct ProcessMemory(long Now, long Most)
{
    public static ProcessMemory Of(int process) => new(Read(process, "VmRSS:"), Read(process, "VmHWM:"));

    static long Read(int process, string line)
    {
        string found = File.ReadLines($"/proc/{process}/status").First(text => text.StartsWith(line, StringComparison.Ordinal));
        return 1024 * long.Parse(found[line.Length..^2], NumberStyles.Any, CultureInfo.InvariantCulture);
    }
}
