namespace Belfry.Storage.Definitions;

/// <summary>Forecasts of tasks from a store, whatever process they run in.</summary>
public static class Forecasts
{
    /// <summary>A forecast of a task; null when none of that name was ever registered.</summary>
    public static async Task<TaskForecast?> OfAsync(string task, ITaskBook book, RunQueries queries, Instant now, CancellationToken cancel)
    {
        BookedTask? booked = (await book.ListAsync(cancel)).FirstOrDefault(known => known.Name == task);
        return booked is null ? null : TaskForecast.Of(booked, await TaskHistories.ReadAsync(queries, TaskForecast.Wanted(booked, now), now, cancel), now);
    }
}
