namespace Belfry;

/// <summary>Thrown by a task that finds nothing to do: its run is Skipped, which uses up its turn and releases nobody who waits for it.</summary>
/// <param name="why">Why, for people.</param>
public sealed class TaskSkippedException(string why = "nothing to do") : Exception(why);

/// <summary>Thrown by a task that did a part of its work: its run is Failed, and what it did, and its result so far, stay.</summary>
/// <param name="what">What is missing, for people.</param>
/// <param name="result">The result so far; null for none.</param>
/// <param name="inner">What was in the way.</param>
public sealed class PartialCompletionException(string what, object? result = null, Exception? inner = null) : Exception(what, inner)
{
    /// <summary>The result so far.</summary>
    public object? Result => result;
}
