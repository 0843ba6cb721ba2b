using Spectre.Console;

namespace Belfry.Cli;

/// <summary>Shows on a terminal how far a long work is, a line for each of its phases; shows nothing elsewhere.</summary>
sealed class ProgressBar
{
    readonly ProgressTask[] _phases;

    ProgressBar(ProgressTask[] phases) => _phases = phases;

    /// <summary>Does the work.</summary>
    /// <param name="phases">What its phases are called.</param>
    /// <param name="work">The work.</param>
    public static Task<T> ShowAsync<T>(IReadOnlyList<string> phases, Func<ProgressBar, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            return work(new ProgressBar([]));
        }
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return terminal.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
            .StartAsync(shown => work(new ProgressBar([.. phases.Select((phase, n) => shown.AddTask(phase, autoStart: n == 0, maxValue: 1))])));
    }

    /// <summary>Tells how far a phase is, 0 to 1; those before it are over.</summary>
    public void Tell(int phase, double share)
    {
        for (int n = 0; n < Math.Min(phase, _phases.Length); n++)
        {
            _phases[n].Value = 1;
            _phases[n].StopTask();
        }
        if (phase < _phases.Length)
        {
            if (!_phases[phase].IsStarted)
            {
                _phases[phase].StartTask();
            }
            _phases[phase].Value = share;
        }
    }

    /// <summary>The same, for work that knows of one phase only.</summary>
    public IProgress<double> Of(int phase) => new Phase(this, phase);

    sealed class Phase(ProgressBar bar, int phase) : IProgress<double>
    {
        public void Report(double value) => bar.Tell(phase, value);
    }
}
