using System.Globalization;
using System.Text;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>What waited in a queue over a span of time, as paths in a box <see cref="Width"/> by <see cref="Height"/>. Where nothing was measured the line has a gap.</summary>
/// <param name="Line">The line of the means.</param>
/// <param name="Area">What is below it.</param>
/// <param name="Highest">The most that was measured; null without a sample.</param>
/// <param name="Top">What the top of the box stands for.</param>
public sealed record BacklogShape(string Line, string Area, double? Highest, double Top = 1)
{
    /// <summary>Width of the box: a stretch of time is one wide.</summary>
    public const int Width = 72;

    /// <summary>Height of the box.</summary>
    public const int Height = 18;

    /// <summary>The shape of some points.</summary>
    /// <param name="points">They, oldest first.</param>
    /// <param name="from">Where the box begins.</param>
    /// <param name="step">How long a stretch is.</param>
    public static BacklogShape Of(IReadOnlyList<SamplePoint> points, Instant from, TimeSpan step)
    {
        double most = Math.Max(1, points.Select(point => point.Average).DefaultIfEmpty().Max());
        StringBuilder line = new(), area = new();
        int before = -2;
        double lastX = 0;
        foreach (SamplePoint point in points)
        {
            int place = (int)((point.At - from) / step);
            if (place is < 0 or >= Width)
            {
                continue;
            }
            double x = place + 0.5, y = Height - 1 - ((Height - 2) * point.Average / most);
            bool goesOn = place == before + 1;
            if (!goesOn)
            {
                Close(area, lastX);
            }
            line.Append(CultureInfo.InvariantCulture, $"{(goesOn ? "L" : "M")}{x:0.#} {y:0.##}");
            line.Append(goesOn ? "" : "h.4"); // a point by itself is seen, too
            area.Append(CultureInfo.InvariantCulture, $"{(goesOn ? "L" : $"M{x:0.#} {Height}L")}{x:0.#} {y:0.##}");
            (before, lastX) = (place, x);
        }
        Close(area, lastX);
        return new BacklogShape(line.ToString(), area.ToString(), points.Count == 0 ? null : points.Max(point => point.Peak), most);
    }

    static void Close(StringBuilder area, double x)
    {
        if (area.Length > 0)
        {
            area.Append(CultureInfo.InvariantCulture, $"L{x:0.#} {Height}z");
        }
    }
}

/// <summary>A span of time that is drawn.</summary>
/// <param name="Key">As an address says it.</param>
/// <param name="Words">In words.</param>
/// <param name="Step">How long a stretch of it is.</param>
public sealed record BacklogSpan(string Key, string Words, TimeSpan Step)
{
    /// <summary>Those that can be chosen.</summary>
    public static IReadOnlyList<BacklogSpan> All { get; } =
    [
        new("6h", "6 hours", TimeSpan.FromMinutes(5)), new("24h", "24 hours", TimeSpan.FromMinutes(20)), new("7d", "7 days", TimeSpan.FromMinutes(140)),
        new("30d", "30 days", TimeSpan.FromHours(10)), new("365d", "a year", TimeSpan.FromHours(122)),
    ];

    /// <summary>The one of an address; the shortest when it names none.</summary>
    public static BacklogSpan Of(string? key) => All.FirstOrDefault(span => span.Key == key) ?? All[0];

    /// <summary>Words below a chart of it.</summary>
    public IReadOnlyList<HistogramTick> Ticks(SiteClock clock)
    {
        const int parts = 4;
        Instant from = From(clock.Now);
        string format = Step < TimeSpan.FromHours(1) ? "HH:mm" : Step < TimeSpan.FromHours(6) ? "ddd HH:mm" : "d MMM";
        return [.. Enumerable.Range(0, parts).Select(part => new HistogramTick(100.0 * part / parts, clock.Local(from + (Step * (BacklogShape.Width * part / parts)), format))), new HistogramTick(100, "now")];
    }

    /// <summary>Where it begins, in whole stretches.</summary>
    public Instant From(Instant now)
    {
        long step = Step.Ticks / TimeSpan.TicksPerMicrosecond;
        return new Instant(((now.Micros / step) - BacklogShape.Width + 1) * step);
    }
}
