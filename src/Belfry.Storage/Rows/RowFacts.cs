namespace Belfry.Storage.Rows;

/// <summary>Facts of a row, compared.</summary>
static class RowFacts
{
    /// <summary>The same facts in the same order.</summary>
    public static bool Same(IReadOnlyList<TaskEvent> a, IReadOnlyList<TaskEvent> b)
    {
        bool same = a.Count == b.Count;
        for (int i = 0; same && i < a.Count; i++)
        {
            same = ReferenceEquals(a[i], b[i]) || a[i] == b[i];
        }
        return same;
    }
}
