namespace Belfry;

/// <summary>The application a task belongs to, by its name alone.</summary>
public static class AppNames
{
    /// <summary>The element before <c>tasks</c>; of a name of two parts without it the first; else none.</summary>
    /// <param name="task">The task's full name, e.g. <c>shop.orders.tasks.import</c>.</param>
    public static string? Of(string? task)
    {
        if (task is null)
        {
            return null;
        }
        string[] parts = task.Split('.');
        int tasks = Array.IndexOf(parts, "tasks");
        return tasks > 0 ? parts[tasks - 1] : tasks < 0 && parts.Length == 2 ? parts[0] : null;
    }
}
