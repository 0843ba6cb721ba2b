using System.Globalization;

namespace Belfry;

/// <summary>A place in the tokens of a condition's text.</summary>
sealed class TokenReader(string text)
{
    readonly List<Token> _tokens = Token.Split(text);
    int _at;

    /// <summary>The token to be read next; an empty one at the end.</summary>
    public Token Peek => _tokens[_at];

    public bool IsAtEnd => _at == _tokens.Count - 1;

    /// <summary>Reads a token.</summary>
    public Token Next() => IsAtEnd ? Peek : _tokens[_at++];

    /// <summary>Reads this word or mark, if it is the next.</summary>
    public bool Take(string word)
    {
        bool taken = Peek.IsWord(word);
        _at += taken ? 1 : 0;
        return taken;
    }

    /// <summary>Reads these words, if they are the next.</summary>
    public bool TakeAll(params ReadOnlySpan<Token> words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            if (_at + i >= _tokens.Count || !_tokens[_at + i].IsWord(words[i].Text))
            {
                return false;
            }
        }
        _at += words.Length;
        return true;
    }

    /// <summary>Reads this word.</summary>
    public void Expect(string word)
    {
        if (!Take(word))
        {
            throw Unexpected($"'{word}'");
        }
    }

    /// <summary>Reads a name in quotes.</summary>
    public string Name(string what) => Peek.IsQuoted ? Next().Text : throw Unexpected($"{what} in quotes");

    /// <summary>Reads a whole number, if one is next.</summary>
    public int? Number()
    {
        bool isNumber = !Peek.IsQuoted && int.TryParse(Peek.Text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        return isNumber ? int.Parse(Next().Text, CultureInfo.InvariantCulture) : null;
    }

    /// <summary>The text as it stands from here to the next joint.</summary>
    public (string Text, int Position) UpToJoint()
    {
        int begin = Peek.Position, end = begin;
        while (!Peek.IsJoint)
        {
            end = Next().End;
        }
        return (text[begin..end], begin);
    }

    /// <summary>The complaint that something else was expected here.</summary>
    public ConditionException Unexpected(string expected) =>
        new(IsAtEnd ? $"expected {expected}, but the text ends" : $"expected {expected}, not '{Peek.Text}'", Peek.Position);
}
