using System.Globalization;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>A place in the log: an instant, and at that instant open runs before the ended one.</summary>
/// <param name="At">The row's <c>at</c>.</param>
/// <param name="Open">The id of an open run; 0 for an ended one.</param>
readonly record struct Cursor(long At, long Open)
{
    public static Cursor Parse(string text)
    {
        string[] parts = text.Split('.');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long at)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long open)
            ? new Cursor(at, open)
            : throw new FormatException($"cursor '{text}' is not one of ours");
    }

    public bool IsNewerThan(Cursor other) => At > other.At || (At == other.At && Open > other.Open);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{At}.{Open}");
}
