namespace Belfry;

/// <summary>When a task may start: a value that says whether it holds, when that can change, and why.</summary>
/// <remarks>
/// Made by <see cref="Conditions"/> or read from a text; two that print the same are equal. Pure: what it needs to know, the instant included, is in
/// the <see cref="ConditionContext"/>.
/// </remarks>
public abstract record Condition
{
    private protected Condition()
    {
    }

    /// <summary>Both must hold.</summary>
    public static Condition operator &(Condition left, Condition right) => Junction.Of(true, left, right);

    /// <summary>One of them must hold.</summary>
    public static Condition operator |(Condition left, Condition right) => Junction.Of(false, left, right);

    /// <summary>It must not hold.</summary>
    public static Condition operator !(Condition condition) => new Negation(condition);

    /// <summary>Reads the text form: <c>(daily | retry 3) &amp; time of day between 10:00 and 12:00</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="whens">Functions that it may call by their names.</param>
    /// <exception cref="ConditionException">It is not understood; the position is that of the mistake.</exception>
    public static Condition Parse(string text, IEnumerable<WhenCondition>? whens = null) => new ConditionReader(text, whens ?? []).Read();

    /// <summary>It holds at the context's instant.</summary>
    public bool Holds(ConditionContext context) => HoldsAt(context, context.Now);

    /// <summary>
    /// The first later instant at which the truth differs if no event arrives; null when there is none within ten years.
    /// </summary>
    /// <remarks>
    /// Exact, with two exceptions after which one has to ask again: a search of more than 10,000 steps answers the last instant looked at,
    /// and where a <c>When</c> decides, the answer is not later than its recheck.
    /// </remarks>
    public Instant? NextChange(ConditionContext context) => Search.NextChange(this, context);

    /// <summary>
    /// Whether a start that is due is a new run; else it is a retry or rerun of the last one, which keeps its id and counts its attempt on.
    /// </summary>
    /// <remarks>A retry is what would not start if nothing could be retried and a lost run counted as any other.</remarks>
    public bool StartsAnew(ConditionContext context) => Replace((leaf, _) => leaf is RetryCondition ? new Constant(false) : leaf, true)
        .Holds(context with { Crash = CrashPolicy.Wait });

    /// <summary>
    /// When the run that has just failed is to be retried: at its end and the delay of a <c>retry</c>, if a start would be a retry then; null when
    /// it is not.
    /// </summary>
    public Instant? RetryAt(ConditionContext context) => Preview.RetryAt(this, context);

    /// <summary>When a task will start if each run ends well at once and no other task runs, at most ten years ahead.</summary>
    /// <remarks>
    /// Where a condition stays true after a start, as a time of day alone does, only the beginning is told. A <c>When</c> is taken to go on as it answers now.
    /// </remarks>
    public IEnumerable<Instant> Starts(ConditionContext context) => Preview.Starts(this, context);

    /// <summary>The condition as a tree: what holds, why, and when it changes.</summary>
    public Explanation Explain(ConditionContext context) => new()
    {
        Text = ToString(),
        Holds = Holds(context),
        NextChange = NextChange(context),
        Because = Because(context),
        Parts = [.. Parts.Select(part => part.Explain(context))],
    };

    /// <summary>The text form; it reads back to an equal condition.</summary>
    public sealed override string ToString() => Text;

    /// <summary>The text form.</summary>
    internal abstract string Text { get; }

    /// <summary>What it is made of; none for a leaf.</summary>
    internal virtual IReadOnlyList<Condition> Parts => [];

    /// <summary>The task it asks about; null for none and for the one whose condition it is.</summary>
    internal virtual string? Asked => null;

    /// <summary>How long an answer of a <c>When</c> in it stands; null where there is none.</summary>
    internal virtual TimeSpan? AskAgain => null;

    /// <summary>It holds at an instant not before the context's, if no event arrives until then.</summary>
    internal abstract bool HoldsAt(ConditionContext context, Instant at);

    /// <summary>The first instant later than <paramref name="at"/> at which the truth differs, or one at which to ask again.</summary>
    internal abstract Instant? ChangeAfter(ConditionContext context, Instant at, Search search);

    /// <summary>The fact that decides, in words.</summary>
    internal virtual string? Because(ConditionContext context) => null;

    /// <summary>The same condition with its leaves replaced; <paramref name="positive"/> is false under a negation.</summary>
    internal virtual Condition Replace(Func<Condition, bool, Condition> leaf, bool positive) => leaf(this, positive);

    /// <summary>All leaves.</summary>
    internal IEnumerable<Condition> Leaves => Parts.Count == 0 ? [this] : Parts.SelectMany(part => part.Leaves);
}
