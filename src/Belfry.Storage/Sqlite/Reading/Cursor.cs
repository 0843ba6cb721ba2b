using System.Globalization;

namespace Belfry.Storage.Sqlite.Reading;

/// <summary>A place in the log: an instant that no two runs share, and that a run keeps when it ends.</summary>
/// <param name="At">The row's <c>at</c>.</param>
readonly record struct Cursor(long At)
{
    public static Cursor Parse(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long at)
        ? new Cursor(at)
        : throw new FormatException($"cursor '{text}' is not one of ours");

    public override string ToString() => At.ToString(CultureInfo.InvariantCulture);
}
