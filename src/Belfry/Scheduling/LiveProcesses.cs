using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Belfry;

/// <summary>Whether the process that was at work on a run lives.</summary>
static class LiveProcesses
{
    /// <summary>
    /// It is known to be dead: it had our name before us, or its id on this machine is nobody's, or of somebody who started later. Of another machine nobody can
    /// tell; where a log is of one process at a time, as a log on SQLite, its last one must be dead.
    /// </summary>
    public static bool IsDead(TaskRun run, BelfryOptions options, IRunLogStore log)
    {
        if (run.Source != options.Source)
        {
            return false;
        }
        if (run.Worker == options.ProcessName)
        {
            return true;
        }
        string[] names = (run.Worker ?? "").Split('@');
        bool isHere = names.Length == 2 && names[1] == Environment.MachineName;
        return isHere && int.TryParse(names[0].Split('-')[^1], CultureInfo.InvariantCulture, out int process) ? !Lives(process, run.Started) : !log.IsShared;
    }

    static bool Lives(int id, Instant? since)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return Instant.From(new DateTimeOffset(process.StartTime)) <= since;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }
}
