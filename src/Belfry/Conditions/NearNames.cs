namespace Belfry;

/// <summary>Which name somebody may have meant. Pure.</summary>
static class NearNames
{
    const int MostSlips = 2; // letters too many, too few, or wrong

    /// <summary><c>; did you mean 'prices.load'?</c>, or nothing where no name is near.</summary>
    public static string Hint(string name, IEnumerable<string> known) => Nearest(name, known) is { } near ? $"; did you mean '{near}'?" : "";

    /// <summary>The name of a task in a group that was named without its prefix, else one that is written almost so.</summary>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        string[] all = [.. known];
        return Array.Find(all, other => IsPrefixed(other, name))
            ?? all.Where(other => Math.Abs(other.Length - name.Length) <= MostSlips)
                .Select(other => (other, slips: Slips(name.ToUpperInvariant(), other.ToUpperInvariant())))
                .Where(one => one.slips <= Math.Min(MostSlips, name.Length / 3)).OrderBy(one => one.slips).FirstOrDefault().other;
    }

    static bool IsPrefixed(string other, string name) =>
        other.Length > name.Length && other.EndsWith(name, StringComparison.OrdinalIgnoreCase) && !char.IsLetterOrDigit(other[^(name.Length + 1)]);

    /// <summary>How many letters have to change, come or go.</summary>
    static int Slips(string one, string other)
    {
        int[] before = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int[] row = [i, .. new int[other.Length]];
            for (int j = 1; j <= other.Length; j++)
            {
                row[j] = Math.Min(Math.Min(before[j], row[j - 1]) + 1, before[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1));
            }
            before = row;
        }
        return before[^1];
    }
}
