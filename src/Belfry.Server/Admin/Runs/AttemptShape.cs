using System.Globalization;

namespace Belfry.Server.Admin;

/// <summary>An attempt as a bar; all places are percent of the whole width.</summary>
/// <param name="Run">The attempt.</param>
/// <param name="WaitFrom">Begin of the wait before it.</param>
/// <param name="From">Begin of the work.</param>
/// <param name="Width">Width of the work; 0 when it has not begun.</param>
/// <param name="Delayed">The wait followed an attempt before: drawn dashed instead of hollow.</param>
public sealed record AttemptBar(TaskRun Run, double WaitFrom, double From, double Width, bool Delayed);

/// <summary>All attempts of a run over time.</summary>
/// <param name="Bars">One per attempt.</param>
/// <param name="Ticks">Words below, with their place in percent.</param>
public sealed record AttemptShape(IReadOnlyList<AttemptBar> Bars, IReadOnlyList<HistogramTick> Ticks)
{
    const int MostBars = 20;
    const double LeastWidth = 0.3;

    /// <summary>The shape of some attempts, in order; of more than 20 the newest are drawn.</summary>
    public static AttemptShape Of(IReadOnlyList<TaskRun> attempts, SiteClock clock)
    {
        IReadOnlyList<TaskRun> drawn = [.. attempts.TakeLast(MostBars)];
        Instant from = drawn.Select(Begin).MinBy(at => at.Micros);
        Instant to = drawn.Select(run => End(run, clock.Now)).MaxBy(at => at.Micros);
        double whole = Math.Max(1e-6, (to - from).TotalSeconds);
        double Place(Instant at) => Math.Clamp(100 * (at - from).TotalSeconds / whole, 0, 100);

        List<AttemptBar> bars = [];
        TaskRun? before = null;
        foreach (TaskRun run in drawn)
        {
            Instant waitFrom = before is null ? Begin(run) : End(before, clock.Now);
            Instant start = WorkFrom(run) ?? End(run, clock.Now);
            double left = Place(start), right = Place(End(run, clock.Now));
            double width = WorkFrom(run) is null ? 0 : Math.Max(LeastWidth, right - left);
            bars.Add(new AttemptBar(run, Math.Min(Place(waitFrom), left), Math.Min(left, 100 - width), width, before is not null));
            before = run;
        }
        return new AttemptShape(bars, TicksOf(from, whole, clock));
    }

    // When the start was missed, the measured runtime tells it.
    static Instant? WorkFrom(TaskRun run) =>
        run.Started ?? (run is { Finished: { } end, Runtime: { } seconds } ? end - TimeSpan.FromSeconds(Math.Min(seconds, 1e9)) : null);

    static Instant Begin(TaskRun run) => Instant.Min(run.First, run.Submitted ?? run.First);

    static Instant End(TaskRun run, Instant now) => run.Finished ?? (run.State.IsFinal() ? run.Updated : Instant.Max(now, run.Updated));

    static List<HistogramTick> TicksOf(Instant from, double whole, SiteClock clock)
    {
        double step = Step(whole);
        List<HistogramTick> ticks = [new(0, clock.Local(from, "HH:mm:ss"))];
        for (double at = step; at < whole * 0.88; at += step)
        {
            ticks.Add(new HistogramTick(100 * at / whole, "+" + Round(at)));
        }
        ticks.Add(new HistogramTick(100, "+" + Round(whole)));
        return ticks;
    }

    // 1, 2 or 5 of a unit, so that three to five ticks fit.
    static double Step(double whole)
    {
        double[] steps = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 43_200, 86_400];
        if (whole > 180)
        {
            return steps.FirstOrDefault(step => whole / step <= 5, Math.Ceiling(whole / 86_400 / 4) * 86_400);
        }
        double power = Math.Pow(10, Math.Floor(Math.Log10(whole)));
        return whole / power >= 5 ? 2 * power : whole / power >= 2 ? power : power / 2;
    }

    static string Round(double seconds) => seconds is >= 1 and < 180 ? seconds.ToString("0.#", CultureInfo.InvariantCulture) + " s" : Format.Runtime(seconds);
}
