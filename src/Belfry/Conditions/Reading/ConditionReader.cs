using System.Globalization;

namespace Belfry;

/// <summary>Reads the text form of conditions: Rocketry's, with a few forms more so that everything can be written.</summary>
sealed class ConditionReader
{
    /// <summary>Deeper brackets are no condition but an attack on the stack.</summary>
    const int DeepestBracket = 100;

    readonly string _text;
    readonly TokenReader _tokens;
    readonly List<WhenCondition> _whens;
    readonly List<(Token[] Name, WhenCondition When)> _byWords;
    int _depth;

    /// <summary>Reads a text in which these functions may be named; of two names that fit the longer.</summary>
    public ConditionReader(string text, IEnumerable<WhenCondition> whens)
    {
        (_text, _tokens) = (text, new TokenReader(text));
        _whens = [.. whens];
        _byWords = [.. _whens.Select(when => (WordsOf(when.Name), when)).Where(known => known.Item1.Length > 0).OrderByDescending(known => known.Item1.Length)];
    }

    /// <summary>The text is a condition as it stands.</summary>
    public static bool Reads(string text)
    {
        try
        {
            return new ConditionReader(text, []).Read() is not null;
        }
        catch (ConditionException)
        {
            return false;
        }
    }

    /// <summary>Reads the whole text.</summary>
    public Condition Read()
    {
        Condition condition = Alternatives();
        return _tokens.IsAtEnd ? condition : throw _tokens.Unexpected("&, | or the end");
    }

    Condition Alternatives()
    {
        var parts = new List<Condition> { All() };
        while (_tokens.Take("|") || _tokens.Take("or"))
        {
            parts.Add(All());
        }
        return Junction.Of(false, parts);
    }

    Condition All()
    {
        var parts = new List<Condition> { One() };
        while (_tokens.Take("&") || _tokens.Take("and"))
        {
            parts.Add(One());
        }
        return Junction.Of(true, parts);
    }

    Condition One()
    {
        if (++_depth > DeepestBracket)
        {
            throw new ConditionException($"more than {DeepestBracket} brackets or negations in each other", _tokens.Peek.Position);
        }
        Token token = _tokens.Peek;
        Condition condition = KnownWhen() is { } when ? when
            : _tokens.Take("~") || _tokens.Take("!") || _tokens.Take("not") ? new Negation(One())
            : _tokens.Take("(") ? Bracket(token)
            : Leaf();
        _depth--;
        return condition;
    }

    Condition Bracket(Token opened)
    {
        Condition inner = Alternatives();
        return _tokens.Take(")") ? inner
            : _tokens.IsAtEnd ? throw new ConditionException("this bracket is never closed", opened.Position)
            : throw _tokens.Unexpected("&, | or )");
    }

    WhenCondition? KnownWhen() => _byWords.Find(known => _tokens.TakeAll(known.Name)).When;

    Condition Leaf()
    {
        Token token = _tokens.Peek;
        if (token.IsQuoted)
        {
            throw _tokens.Unexpected("a condition");
        }
        switch (token.Text.ToLowerInvariant())
        {
            case "true" or "false" or "always" or "never":
                return Constant();
            case "secondly" or "minutely" or "hourly" or "daily" or "weekly" or "monthly":
                return new PeriodCondition(Places.Part(_tokens, PeriodOf(_tokens.Next().Text)));
            case "time":
                return TimeOf();
            case "every":
                _tokens.Next();
                return Every();
            case "cron" or "crontime":
                return Cron(_tokens.Next().IsWord("crontime"));
            case "while" or "task" or "has" or "is" or "after":
                return new RunsReader(_tokens).Read();
            case "retry":
                _tokens.Next();
                return Retry();
            case "scheduler":
                return new SurroundingsReader(_tokens).Scheduler();
            case "env" or "param" or "when":
                return new SurroundingsReader(_tokens).Named(_whens);
            default:
                throw IsCron() ? new ConditionException($"a cron expression begins with that word: cron {_text.Trim()}", token.Position) : _tokens.Unexpected("a condition");
        }
    }

    /// <summary>The whole text is a cron expression, as other schedulers take it.</summary>
    bool IsCron()
    {
        try
        {
            return CronExpression.Parse(_text.Trim()) is not null;
        }
        catch (ConditionException)
        {
            return false;
        }
    }

    Constant Constant()
    {
        Token word = _tokens.Next();
        bool isFalse = word.IsWord("false") || word.IsWord("never");
        return word.IsWord("always") && _tokens.Take("false") ? new Constant(false)
            : word.IsWord("always") && _tokens.Take("true") ? new Constant(true)
            : new Constant(!isFalse);
    }

    TimeOfCondition TimeOf()
    {
        _tokens.Next();
        _tokens.Expect("of");
        Period period = Places.PeriodName(_tokens) ?? throw _tokens.Unexpected("minute, hour, day, week or month");
        Part part = Places.Part(_tokens, period);
        return part.Cut == Cut.Whole ? throw _tokens.Unexpected("between, before, after or on") : new TimeOfCondition(part);
    }

    EveryCondition Every()
    {
        TimeSpan span = DurationReader.Read(_tokens);
        if (!_tokens.Take("based"))
        {
            return new EveryCondition(span, Based.Run);
        }
        _tokens.Expect("on");
        Based? based = _tokens.Take("run") ? Based.Run : _tokens.Take("success") ? Based.Success
            : _tokens.Take("failure") || _tokens.Take("fail") ? Based.Failure : _tokens.Take("finish") ? Based.Finish : null;
        return new EveryCondition(span, based ?? throw _tokens.Unexpected("run, success, failure or finish"));
    }

    CronCondition Cron(bool clockOnly)
    {
        (string text, int position) = _tokens.UpToJoint();
        try
        {
            return new CronCondition(CronExpression.Parse(text), clockOnly);
        }
        catch (ConditionException mistake)
        {
            throw new ConditionException(mistake.What, position + mistake.Position);
        }
    }

    RetryCondition Retry()
    {
        Token token = _tokens.Peek;
        int? limit = _tokens.Number();
        if (limit == 0)
        {
            throw new ConditionException("retry at least 1 time, or say nothing", token.Position);
        }
        if (!_tokens.Take("after"))
        {
            return new RetryCondition(limit, TimeSpan.Zero, 1);
        }
        TimeSpan delay = DurationReader.Read(_tokens);
        return new RetryCondition(limit, delay, _tokens.Take("times") ? Growth() : 1);
    }

    decimal Growth()
    {
        bool isNumber = decimal.TryParse(_tokens.Peek.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal growth);
        bool isGrowth = isNumber && growth >= RetryCondition.LeastGrowth && growth <= RetryCondition.GreatestGrowth;
        string expected = $"a factor from {RetryCondition.LeastGrowth} to {RetryCondition.GreatestGrowth}";
        return isGrowth && _tokens.Next().End > 0 ? growth : throw _tokens.Unexpected(expected);
    }

    /// <summary>The words of a name; one with quotes in it can only be called by <c>when</c>.</summary>
    static Token[] WordsOf(string name) => name.AsSpan().ContainsAny('\'', '"') ? [] : [.. Token.Split(name).SkipLast(1)];

    static Period PeriodOf(string word) => Enum.GetValues<Period>().First(period => word.Equals(Word(period), StringComparison.OrdinalIgnoreCase));

    static string Word(Period period) => period == Period.Day ? "daily" : $"{period}ly";
}
