namespace Belfry.Storage.Writing;

/// <summary>In place of an index of texts on an engine that has none.</summary>
sealed class NoTextIndex(bool wanted) : ITextIndex
{
    public Task<TextWork> WorkAsync(CancellationToken cancel) => wanted
        ? throw new NotSupportedException("it is SQLite's; on PostgreSQL there is none yet")
        : Task.FromResult(TextWork.Over);
}
