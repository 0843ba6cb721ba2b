using Belfry.Storage.Keeping;

namespace Belfry.Storage.Writing;

/// <summary>The engine under the log: writes groups of events. Used by the log's one writing thread.</summary>
interface ILogWriter : ILogKeeper, IDisposable
{
    /// <summary>Other processes use the same log.</summary>
    bool IsShared { get; }

    /// <summary>Processes that are known to be dead and had runs in hand, by the names that the log has of them.</summary>
    IReadOnlyList<string> DeadProcesses { get; }

    /// <summary>What to call when another process has put calls.</summary>
    Action Rung { set; }

    /// <summary>Writes a group, with what the work queue wants, as one transaction. When it throws, nothing of it is stored, and it can be tried again.</summary>
    /// <returns>The runs that changed, in order.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written at present.</exception>
    /// <exception cref="StoreDamagedException">The store is damaged where this group belongs.</exception>
    IReadOnlyList<RunChange> Write(IReadOnlyList<IReadOnlyList<TaskEvent>> group, WorkOrders work, SideNotes notes, Instant now);

    /// <summary>The tables of rooms in the same store.</summary>
    /// <param name="lane">Where the writing thread does work between two groups.</param>
    ITableEngine Tables(Chores lane);

    /// <summary>The index of texts in the same store.</summary>
    /// <param name="lane">As above.</param>
    /// <param name="wanted">It is to be kept; else it goes away.</param>
    ITextIndex Texts(Chores lane, bool wanted);
}

/// <summary>The store is damaged where this group belongs; waiting does not help, but what belongs elsewhere may be written.</summary>
sealed class StoreDamagedException(string problem, Exception inner) : Exception(problem, inner);

/// <summary>The store cannot be written at present; later it may.</summary>
sealed class StoreUnavailableException(string problem, Exception inner) : Exception(problem, inner);
