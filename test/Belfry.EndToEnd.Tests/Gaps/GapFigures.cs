using Belfry.Testing;

namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>How a log stands to the truth after a scenario.</summary>
/// <param name="Runs">Runs that were sent.</param>
/// <param name="Right">State and attempts as they should be.</param>
/// <param name="Missing">Not in the log: they began and ended unheard, and left no record.</param>
/// <param name="Untold">Known, and of their end there is neither event nor record: Lost, <c>ended unseen</c>.</param>
/// <param name="Attempt">Right but for the number of the attempt, of which nothing was left.</param>
/// <param name="Wrong">All others, each with what it is and what it should be.</param>
sealed record GapFigures(int Runs, int Right, int Missing, int Untold, int Attempt, IReadOnlyList<string> Wrong)
{
    // Its end is in its events alone: heard by nobody, it is not to be found out.
    const string Silent = "lab.silent";

    /// <summary>Holds a log against the truth.</summary>
    /// <param name="sent">Runs, with their tasks.</param>
    /// <param name="truth">What became of them.</param>
    /// <param name="rows">The newest attempt of each run in the log.</param>
    /// <param name="vanished">Of those that no living worker knows these are not with the broker either: a worker of Celery that ends may take some along.</param>
    /// <param name="scenario">What was played.</param>
    public static GapFigures Of(
        IReadOnlyDictionary<string, string> sent, WorkerTruth truth, IReadOnlyDictionary<string, LoggedRun> rows, IReadOnlySet<string> vanished, GapScenario scenario)
    {
        int runs = sent.Count, right = 0, missing = 0, untold = 0, attempt = 0;
        var wrong = new List<string>();
        foreach ((string id, string task) in sent)
        {
            TrueRun wanted = truth.Of(id, task);
            LoggedRun? row = rows.GetValueOrDefault(id);
            bool leavesNothing = task == Silent || wanted.State == TrueRun.Untold;
            if (row is null && (scenario.Restarts || scenario.OwnBroker) && !truth.Runs.Contains(id))
            {
                runs--; // the broker died before it had it, or never read it: Celery's client does not ask
            }
            else if (row is null && (leavesNothing || vanished.Contains(id) || (wanted.State == "Lost" && !scenario.OnRabbit)))
            {
                missing++; // on Redis a run that was begun, or acknowledged, and killed while nobody listened is known to its worker's own log alone
            }
            else if (vanished.Contains(id) && row?.Text("reason") is "message gone" or "expired")
            {
                untold++;
            }
            else if ((leavesNothing || (scenario.Restarts && IsOpen(wanted))) && row is { State: "Lost" } && row.Text("reason") is "ended unseen" or "message gone" or "worker gone")
            {
                untold++;
            }
            else if (leavesNothing && row is { State: "Running" } && row.Text("task") is null)
            {
                untold++; // its name went by unheard as well: such a run is never given up
            }
            else if (row is not null && (Accepts(wanted.State, row.State, scenario) || (task.EndsWith('!') && row.State == "Cancelled" && IsOpen(wanted))))
            {
                // That a run expired stands in no worker's log.
                bool exact = row.Attempt == wanted.Attempts || wanted.State is "Pending" or "Queued" or "Lost";
                (right, attempt) = exact ? (right + 1, attempt) : (right, attempt + 1);
            }
            else
            {
                wrong.Add($"{id} {task} is {(row is null ? "not there" : $"{row.State} {row.Text("reason")} {row.Text("task")} attempt {row.Attempt}")}, should be {wanted.State} attempt {wanted.Attempts}");
            }
        }
        return new GapFigures(runs, right, missing, untold, attempt, wrong);
    }

    /// <summary>Whether what is found out about a run is right now; what nobody can find out does not count.</summary>
    public static bool IsSettled(string task, TrueRun wanted, LoggedRun? row, GapScenario scenario) =>
        task == Silent || wanted.State == TrueRun.Untold || (row is not null && Accepts(wanted.State, row.State, scenario));

    // What has expired and nobody has thrown away is open as well.
    static bool IsOpen(TrueRun wanted) => wanted.State is "Pending" or "Queued" || wanted is { State: "Cancelled", IsFinal: false };

    // What waits is with the broker or with a worker, and may go from one to the other. A worker that cannot store a result makes the run fail without a word in its log,
    // and one that lost its broker forgets what it held until a time.
    static bool Accepts(string wanted, string state, GapScenario scenario) => wanted switch
    {
        "Pending" or "Queued" => state is "Pending" or "Queued",
        "Running" => state == wanted || (scenario.Restarts && state == "Failed"),
        "Cancelled" => state == wanted || (scenario.Restarts && state == "Pending"),
        _ => state == wanted,
    };
}
