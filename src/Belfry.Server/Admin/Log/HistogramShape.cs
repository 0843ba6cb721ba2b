using System.Globalization;
using System.Text;
using Belfry.Storage;

namespace Belfry.Server.Admin;

/// <summary>The histogram over the log as paths: one for all that ended, one for what went wrong, so that the page stays small.</summary>
/// <param name="Bars">How many bars there are.</param>
/// <param name="BarSeconds">The width of one in seconds.</param>
/// <param name="From">Where the first begins.</param>
/// <param name="To">Where the last ends.</param>
/// <param name="Ended">Path of what ended, in a box <see cref="Width"/> by <see cref="Height"/>.</param>
/// <param name="Bad">Path of what failed or was lost.</param>
/// <param name="Ticks">Words below, with their place in percent.</param>
public sealed record HistogramShape(int Bars, long BarSeconds, Instant From, Instant To, string Ended, string Bad, IReadOnlyList<HistogramTick> Ticks)
{
    /// <summary>The most bars that can be told apart; a day and the hour it began in still have a bar per quarter of an hour.</summary>
    public const int MostBars = 100;

    /// <summary>Height of the box.</summary>
    public const int Height = 36;

    const int Step = 10;
    const int BarWidth = 7;

    static readonly long[] NiceSeconds = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400];

    static readonly long[] TickSeconds = [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 2 * 86_400, 5 * 86_400];

    /// <summary>Width of the box.</summary>
    public int Width => (Bars * Step) - (Step - BarWidth);

    /// <summary>The shape of some figures.</summary>
    public static HistogramShape Of(LogFigures figures, SiteClock clock)
    {
        double span = Math.Max(60, (figures.To - figures.From).TotalSeconds);
        long least = Math.Max(figures.BucketSeconds, (long)Math.Ceiling(span / MostBars));
        long width = NiceSeconds.FirstOrDefault(nice => nice >= least && nice % Math.Max(1, figures.BucketSeconds) == 0, (least + 86_399) / 86_400 * 86_400);
        // Whole bars, the last one with the end in it: a first bar that is only partly asked for would look like a drop.
        long last = (long)Math.Ceiling(figures.To.Micros / 1e6 / width);
        int bars = (int)Math.Clamp((long)Math.Round(span / width), 1, 4 * MostBars);
        long first = last - bars;
        (long[] ended, long[] bad) = Sum(figures.Buckets, first, width, bars);
        double most = Math.Max(1, ended.Max());
        Instant from = new(first * width * 1_000_000), to = new((first + bars) * width * 1_000_000);
        return new HistogramShape(bars, width, from, to, Path(ended, most), Path(bad, most), TicksOf(from, to, clock));
    }

    static (long[] Ended, long[] Bad) Sum(IReadOnlyList<BucketFigures> buckets, long first, long width, int bars)
    {
        long[] ended = new long[bars], bad = new long[bars];
        foreach (BucketFigures bucket in buckets)
        {
            long bar = (bucket.At.Micros / 1_000_000 / width) - first;
            if (bar >= 0 && bar < bars)
            {
                ended[bar] += bucket.Ended;
                bad[bar] += bucket.Bad;
            }
        }
        return (ended, bad);
    }

    // A bar that is not empty is at least 1.5 high: a single failure must be seen among thousands.
    static string Path(long[] counts, double most)
    {
        StringBuilder path = new();
        for (int bar = 0; bar < counts.Length; bar++)
        {
            double height = counts[bar] == 0 ? 0 : Math.Max(1.5, Height * counts[bar] / most);
            if (height > 0)
            {
                path.Append(CultureInfo.InvariantCulture, $"M{bar * Step} {Height}v{-height:0.#}h{BarWidth}v{height:0.#}z");
            }
        }
        return path.ToString();
    }

    // Round times of the site's clock, as many as fit, none so near an end that words would touch.
    static List<HistogramTick> TicksOf(Instant from, Instant to, SiteClock clock)
    {
        const double clear = 9;
        double span = (to - from).TotalSeconds;
        long step = TickSeconds.FirstOrDefault(step => span / step <= 6.5, (long)Math.Ceiling(span / 6 / 86_400) * 86_400);
        string format = span > 3 * 86_400 ? "d MMM" : "HH:mm";
        List<HistogramTick> ticks = [new(0, clock.Local(from, span is <= 3 * 86_400 and > 43_200 ? "ddd HH:mm" : format))];
        long seconds = from.Micros / 1_000_000, offset = clock.OffsetSeconds(from);
        for (long at = ((((seconds + offset) / step) + 1) * step) - offset; at * 1_000_000 < to.Micros; at += step)
        {
            double percent = 100 * (at - seconds) / span;
            if (percent is > clear and < 100 - clear)
            {
                ticks.Add(new HistogramTick(percent, clock.Local(new Instant(at * 1_000_000), format)));
            }
        }
        bool untilNow = (clock.Now - to).Duration() < TimeSpan.FromSeconds(Math.Max(60, span / MostBars));
        ticks.Add(new HistogramTick(100, untilNow ? "now" : clock.Local(to, format)));
        return ticks;
    }
}

/// <summary>A word below the histogram.</summary>
/// <param name="Percent">Its place.</param>
/// <param name="Words">The word.</param>
public sealed record HistogramTick(double Percent, string Words);
