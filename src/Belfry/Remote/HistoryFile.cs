using System.Buffers;
using System.Text.Json;

namespace Belfry;

/// <summary>The runs that conditions may ask about, in a small file, for a start while the server is away.</summary>
sealed class HistoryFile(string file)
{
    /// <summary>What stands there, as events.</summary>
    public IEnumerable<TaskEvent> Read() => File.Exists(file) ? Events(File.ReadLines(file)) : [];

    /// <summary>Replaces it.</summary>
    public void Write(IEnumerable<TaskRun> runs)
    {
        using (FileStream into = new(file + ".new", FileMode.Create, FileAccess.Write))
        {
            var lines = new ArrayBufferWriter<byte>();
            foreach (TaskEvent item in runs.SelectMany(RowEvents.Of))
            {
                EventJson.WriteLine(lines, item);
                if (lines.WrittenCount > 64 * 1024)
                {
                    into.Write(lines.WrittenSpan);
                    lines.ResetWrittenCount();
                }
            }
            into.Write(lines.WrittenSpan);
        }
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Events from lines; those that cannot be read are passed over.</summary>
    public static IEnumerable<TaskEvent> Events(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            if (Event(line) is { } item)
            {
                yield return item;
            }
        }
    }

    static TaskEvent? Event(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return EventJson.TryRead(json.RootElement, "", out TaskEvent? item, out _) ? item : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
