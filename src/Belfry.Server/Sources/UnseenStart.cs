using System.Text.Json;
using Belfry.Storage;

namespace Belfry.Server.Sources;

/// <summary>So many runs that a worker began and of which nothing else will ever be known: they ended unheard and left no record.</summary>
/// <param name="From">They began after it,</param>
/// <param name="To">and before it.</param>
/// <param name="Starts">How many.</param>
/// <param name="Tasks">Of which tasks, as far as the worker told; the most first.</param>
public sealed record UnseenStart(Instant From, Instant To, long Starts, IReadOnlyList<KeyValuePair<string, long>> Tasks)
{
    // Of each worker; a page shows no more.
    const int Most = 10;

    /// <summary>How many of them are of tasks that are not known.</summary>
    public long Others => Starts - Tasks.Sum(task => task.Value);

    /// <summary>Names as many as there are, of the tasks that a worker told.</summary>
    public static UnseenStart Of(Instant from, Instant to, long starts, IEnumerable<KeyValuePair<string, long>> tasks)
    {
        long left = starts;
        var named = new List<KeyValuePair<string, long>>();
        foreach ((string task, long begun) in tasks)
        {
            long some = Math.Min(begun, left);
            left -= some;
            if (some > 0)
            {
                named.Add(KeyValuePair.Create(task, some));
            }
        }
        return new UnseenStart(from, to, starts, named);
    }

    /// <summary>Those that the log has of a worker, the newest first.</summary>
    public static IReadOnlyList<UnseenStart> Read(IEnumerable<Sample> samples, string source, string worker)
    {
        Sample? kept = samples.FirstOrDefault(sample => sample.Kind == SampleKinds.UnseenStarts && sample.Source == source && sample.Subject == worker);
        try
        {
            return kept?.Text is { } text && JsonSerializer.Deserialize<Kept[]>(text) is { } all
                ? [.. all.Select(one => new UnseenStart(new Instant(one.From), new Instant(one.To), one.Starts, [.. one.Tasks ?? []]))] : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>With those before it, for the log.</summary>
    public Sample ToSample(string source, string worker, IEnumerable<UnseenStart> before) => new(
        source, SampleKinds.UnseenStarts, worker, To, Starts,
        JsonSerializer.Serialize(before.Prepend(this).Take(Most).Select(one => new Kept(one.From.Micros, one.To.Micros, one.Starts, one.Tasks.ToDictionary(StringComparer.Ordinal)))));

    /// <summary>How many of which tasks: <c>17: ign 15, flaky 2</c>.</summary>
    public string InWords
    {
        get
        {
            string[] tasks = [.. Tasks.Select(task => $"{task.Key} {task.Value}"), .. Others > 0 && Tasks.Count > 0 ? [$"others {Others}"] : Array.Empty<string>()];
            return tasks.Length == 0 ? $"{Starts}" : $"{Starts}: {string.Join(", ", tasks)}";
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"between {From:u} and {To:u} {InWords}";

    sealed record Kept(long From, long To, long Starts, Dictionary<string, long>? Tasks);
}
