namespace Belfry.Storage;

/// <summary>What takes the room in a store.</summary>
/// <param name="Runs">All runs, counted.</param>
/// <param name="Bytes">Bytes on disk; 0 in memory.</param>
/// <param name="Tasks">Ended runs by task, most bytes first.</param>
public sealed record LogUsage(long Runs, long Bytes, IReadOnlyList<TaskUsage> Tasks);

/// <summary>What one task takes.</summary>
/// <param name="Task">Its name; empty for runs whose name is not known.</param>
/// <param name="Runs">Its ended runs, counted.</param>
/// <param name="Bytes">Their bytes, estimated from its newest 200 runs.</param>
public sealed record TaskUsage(string Task, long Runs, long Bytes);
