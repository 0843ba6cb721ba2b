using System.Globalization;

namespace Belfry.Storage.Search;

/// <summary>
/// Reads the search language: words and "phrases", <c>field:a,b</c>, <c>runtime&gt;5s</c>, <c>-field:value</c> or NOT, AND unless OR, parentheses.
/// </summary>
sealed class SearchParser
{
    /// <summary>Deeper brackets are no search but an attack on the stack.</summary>
    const int DeepestBracket = 100;

    static readonly Dictionary<string, SearchField> Fields = Enum.GetValues<SearchField>().ToDictionary(field => field.ToString(), StringComparer.OrdinalIgnoreCase);
    readonly List<SearchToken> _tokens;
    int _at, _depth;

    SearchParser(string text) => _tokens = SearchToken.Split(text);

    /// <summary>Reads a search; an empty one holds for every run.</summary>
    /// <exception cref="SearchException">It is not understood; the position is that of the mistake.</exception>
    public static SearchNode Parse(string? text)
    {
        var parser = new SearchParser(text ?? "");
        if (parser._tokens.Count == 0)
        {
            return new AllOf([]);
        }
        SearchNode node = parser.Alternatives();
        return parser.Peek() is { } rest ? throw new SearchException($"'{rest.Text}' has no beginning", rest.Position) : node;
    }

    SearchNode Alternatives()
    {
        var nodes = new List<SearchNode> { All() };
        while (Take("OR"))
        {
            nodes.Add(All());
        }
        return nodes.Count == 1 ? nodes[0] : new AnyOf(nodes);
    }

    SearchNode All()
    {
        var nodes = new List<SearchNode> { One() };
        while (Peek() is { } next && !next.IsMark(")") && !next.IsMark("OR"))
        {
            Take("AND");
            nodes.Add(One());
        }
        return nodes.Count == 1 ? nodes[0] : new AllOf(nodes);
    }

    SearchNode One()
    {
        SearchToken token = Peek() ?? throw new SearchException("something must follow", _tokens[^1].End);
        if (++_depth > DeepestBracket)
        {
            throw new SearchException($"more than {DeepestBracket} brackets or negations in each other", token.Position);
        }
        SearchNode node = Take("NOT") ? new Not(One()) : Plain(token);
        _depth--;
        return node;
    }

    SearchNode Plain(SearchToken token)
    {
        _at++;
        if (token.IsMark("("))
        {
            SearchNode inner = Alternatives();
            return Take(")") ? inner : throw new SearchException("this parenthesis is never closed", token.Position);
        }
        if (token.IsMark(")") || token.IsMark("OR") || token.IsMark("AND"))
        {
            throw new SearchException($"something must stand before '{token.Text}'", token.Position);
        }
        return token.Field is null ? WordOf(token) : Term(token);
    }

    /// <summary>A minus before a letter excludes the word; before a digit it is a sign, and in quotes it is itself.</summary>
    static SearchNode WordOf(SearchToken token) => !token.IsQuoted && token.Text is ['-', var first, ..] && char.IsLetter(first)
        ? new Not(new Word(new Needle(token.Text[1..])))
        : new Word(new Needle(token.Text));

    static SearchNode Term(SearchToken token)
    {
        bool negated = token.Field!.StartsWith('-');
        string name = token.Field.TrimStart('-');
        if (!Fields.TryGetValue(name, out SearchField field))
        {
            throw new SearchException($"unknown field '{name}'; known are {string.Join(", ", Fields.Keys.Select(key => key.ToLowerInvariant()))}. To look for the text itself, put it in quotes", token.Position);
        }
        if (token.Values.Count == 0)
        {
            throw new SearchException($"'{name}{token.Operator}' has no value", token.End);
        }
        SearchNode node = Term(field, token);
        return negated ? new Not(node) : node;
    }

    static SearchNode Term(SearchField field, SearchToken token)
    {
        if (field >= SearchField.Runtime)
        {
            Comparison comparison = token.Operator switch
            {
                "<" => Comparison.Less,
                "<=" => Comparison.AtMost,
                ">=" => Comparison.AtLeast,
                ">" => Comparison.Greater,
                _ => Comparison.Equal,
            };
            return field >= SearchField.Started ? WhenOf(field, comparison, token) : new Compares(field, comparison, NumberOf(field, token));
        }
        if (token.Operator != ":")
        {
            throw new SearchException($"{field.ToString().ToLowerInvariant()} has no order; use ':'", token.Position);
        }
        return field switch
        {
            SearchField.State => new StateIs(token.Values.Select(value => RunStates.TryParse(value, out RunState state)
                ? state
                : throw new SearchException($"unknown state '{value}'", token.Position)).ToHashSet()),
            SearchField.Args or SearchField.Kwargs or SearchField.Result or SearchField.Reason or SearchField.Context =>
                new TextHas(field, [.. token.Values.Select(value => new Needle(value.Trim('*')))]),
            _ => new NameIs(field, token.Values),
        };
    }

    static double NumberOf(SearchField field, SearchToken token)
    {
        (string digits, double unit) = field is SearchField.Runtime or SearchField.Wait ? UnitOf(token.Text) : (token.Text, 1);
        return double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number * unit
            : throw new SearchException($"'{token.Text}' is no {(field is SearchField.Runtime or SearchField.Wait ? "duration; write 500ms, 5s, 1.5m, 2h" : "number")}", token.Position);
    }

    /// <summary>A colon means the whole day, minute or second that is written.</summary>
    static SearchNode WhenOf(SearchField field, Comparison comparison, SearchToken token)
    {
        (Instant at, TimeSpan length) = WrittenTime.Parse(token.Text) ?? throw new SearchException($"'{token.Text}' is no time; write 2026-11-20 or 2026-11-20T08:00Z", token.Position);
        return comparison != Comparison.Equal ? new Compares(field, comparison, at.Micros)
            : new AllOf([new Compares(field, Comparison.AtLeast, at.Micros), new Compares(field, Comparison.Less, (at + length).Micros)]);
    }

    static (string Digits, double Seconds) UnitOf(string text) => text switch
    {
        [.. var digits, 'm', 's'] => (digits, 0.001),
        [.. var digits, 's'] => (digits, 1),
        [.. var digits, 'm'] => (digits, 60),
        [.. var digits, 'h'] => (digits, 3600),
        [.. var digits, 'd'] => (digits, 86_400),
        [.. var digits, 'w'] => (digits, 604_800),
        _ => (text, 1),
    };

    SearchToken? Peek() => _at < _tokens.Count ? _tokens[_at] : null;

    bool Take(string mark)
    {
        bool taken = Peek()?.IsMark(mark) == true;
        _at += taken ? 1 : 0;
        return taken;
    }
}

/// <summary>A search is not understood.</summary>
/// <param name="what">What is wrong.</param>
/// <param name="position">Where, from 0.</param>
public sealed class SearchException(string what, int position) : FormatException($"{what} (at {position + 1})")
{
    /// <summary>Where the mistake is, from 0.</summary>
    public int Position { get; } = position;
}
