using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Belfry.Celery;

/// <summary>Reads what Python printed (<c>repr</c>) back into JSON, when it is whole and has nothing in it that JSON has not.</summary>
/// <remarks>Tuples become arrays and keys become texts, as they do on their way to a worker. Strict: better no value than another one.</remarks>
sealed class PythonLiteral
{
    const int Deepest = 100;

    readonly string _text;
    readonly StringBuilder _json = new();
    int _place;

    PythonLiteral(string text) => _text = text;

    /// <summary>The JSON of a repr; null when it was shortened, is no literal, or means something that JSON has not.</summary>
    public static string? ToJson(string? repr)
    {
        // Celery cuts at a measure and puts dots there, even inside a text: then nobody can say what it was.
        if (repr is null || repr.Contains("...", StringComparison.Ordinal) || repr.Contains('…'))
        {
            return null;
        }
        var literal = new PythonLiteral(repr);
        return literal.Value(0) && literal.AtEnd() ? literal._json.ToString() : null;
    }

    bool AtEnd()
    {
        Blanks();
        return _place == _text.Length;
    }

    bool Value(int depth)
    {
        Blanks();
        return depth <= Deepest && _place < _text.Length && _text[_place] switch
        {
            '(' => Many(')', depth),
            '[' => Many(']', depth),
            '{' => Dict(depth),
            '\'' or '"' => Text(),
            _ => Word(),
        };
    }

    bool Many(char close, int depth)
    {
        _place++;
        _json.Append('[');
        int count = 0;
        bool comma = true;
        for (; !Skips(close); count++)
        {
            _json.Append(count > 0 ? ", " : "");
            if (!comma || !Value(depth + 1))
            {
                return false;
            }
            comma = Skips(',');
        }
        _json.Append(']');
        // One thing in parentheses without a comma is no tuple.
        return close == ']' || count != 1 || comma;
    }

    bool Dict(int depth)
    {
        _place++;
        _json.Append('{');
        for (int count = 0; !Skips('}'); count++)
        {
            _json.Append(count > 0 ? ", " : "");
            Blanks();
            // A set has no colons, and JSON has no sets.
            if (_place >= _text.Length || !Key() || !Skips(':'))
            {
                return false;
            }
            _json.Append(": ");
            if (!Value(depth + 1) || !(Skips(',') || Sees('}')))
            {
                return false;
            }
        }
        _json.Append('}');
        return true;
    }

    bool Key()
    {
        if (_text[_place] is '\'' or '"')
        {
            return Text();
        }
        int from = _json.Length;
        if (!Word())
        {
            return false;
        }
        string word = _json.ToString(from, _json.Length - from);
        _json.Length = from;
        _json.Append('"').Append(word).Append('"');
        return true;
    }

    bool Word()
    {
        int from = _place;
        while (_place < _text.Length && (char.IsAsciiLetterOrDigit(_text[_place]) || _text[_place] is '.' or '+' or '-'))
        {
            _place++;
        }
        string word = _text[from.._place];
        string? json = word switch { "None" => "null", "True" => "true", "False" => "false", "nan" => "NaN", "inf" => "Infinity", "-inf" => "-Infinity", _ => IsNumber(word) ? word : null };
        _json.Append(json);
        return json is not null;
    }

    bool Text()
    {
        char quote = _text[_place++];
        var text = new StringBuilder();
        for (; _place < _text.Length && _text[_place] != quote; _place++)
        {
            if (_text[_place] != '\\')
            {
                text.Append(_text[_place]);
            }
            else if (!Escape(text))
            {
                return false;
            }
        }
        _json.Append(JsonSerializer.Serialize(text.ToString()));
        return _place++ < _text.Length;
    }

    bool Escape(StringBuilder text)
    {
        char code = ++_place < _text.Length ? _text[_place] : '\0';
        int digits = code switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits == 0)
        {
            text.Append(code switch { 'n' => '\n', 'r' => '\r', 't' => '\t', '\\' or '\'' or '"' => code, _ => '\0' });
            return text[^1] != '\0';
        }
        bool sound = _place + digits < _text.Length && int.TryParse(_text.AsSpan(_place + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int rune) && Rune.IsValid(rune);
        if (sound)
        {
            text.Append(new Rune(int.Parse(_text.AsSpan(_place + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
            _place += digits;
        }
        return sound;
    }

    static bool IsNumber(string word)
    {
        try
        {
            using JsonDocument number = JsonDocument.Parse(word);
            return number.RootElement.ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    bool Sees(char sign)
    {
        Blanks();
        return _place < _text.Length && _text[_place] == sign;
    }

    bool Skips(char sign)
    {
        bool seen = Sees(sign);
        _place += seen ? 1 : 0;
        return seen;
    }

    void Blanks()
    {
        while (_place < _text.Length && _text[_place] == ' ')
        {
            _place++;
        }
    }
}
