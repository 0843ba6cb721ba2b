namespace Belfry.Storage.Reading;

/// <summary>What the newest run of a task must be.</summary>
static class Latest
{
    /// <summary>It is of the task to the letter, whatever stars its name has, and of the context's model and type where one is given.</summary>
    public static bool IsLatestFor(this TaskRun run, string task, RunContext? context) =>
        run.Task == task && (context is null || (run.Context?.Model == context.Model && run.Context?.Type == context.Type));
}
