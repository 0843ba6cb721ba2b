using System.Text;

namespace Belfry.Server.Admin;

/// <summary>A value as a task's arguments have it: Python's <c>repr</c> or JSON, read leniently.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text of a string, or the word as it stands.</param>
/// <param name="Items">Items, or values of a dictionary.</param>
/// <param name="Keys">Keys of a dictionary, as many as items.</param>
public sealed record ReprValue(ReprKind Kind, string Text, IReadOnlyList<ReprValue> Items, IReadOnlyList<ReprValue> Keys)
{
    /// <summary>It has nothing in it.</summary>
    public bool Empty => Kind is ReprKind.List or ReprKind.Dict && Items.Count == 0;

    /// <summary>On one line, as JSON would have it.</summary>
    public string Line() => Kind switch
    {
        ReprKind.Text => Quote(Text),
        ReprKind.List => Text[..1] + string.Join(", ", Items.Select(item => item.Line())) + Text[1..],
        ReprKind.Dict => "{" + string.Join(", ", Keys.Zip(Items, (key, item) => $"{key.Line()}: {item.Line()}")) + "}",
        _ => Text,
    };

    static string Quote(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal) + "\"";
}

/// <summary>Kinds of values.</summary>
public enum ReprKind
{
    /// <summary>A string.</summary>
    Text,

    /// <summary>A number, a name, a call: shown as it stands.</summary>
    Word,

    /// <summary>A list, tuple or set; the text has its two brackets.</summary>
    List,

    /// <summary>A dictionary.</summary>
    Dict,
}

/// <summary>Reads a value. What is not understood is no error: the page then shows the text as it came.</summary>
ref struct ReprText
{
    const int Deepest = 40;

    readonly ReadOnlySpan<char> _text;
    int _at;

    ReprText(string text) => _text = text;

    /// <summary>The value of a whole text; null when it cannot be read.</summary>
    public static ReprValue? Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }
        ReprText reader = new(text);
        ReprValue? value = reader.Value(0);
        reader.Blanks();
        return reader._at == text.Length ? value : null;
    }

    ReprValue? Value(int depth)
    {
        Blanks();
        if (depth > Deepest || _at >= _text.Length)
        {
            return null;
        }
        return _text[_at] switch
        {
            '{' => Braces(depth),
            '[' => List(']', "[]", depth),
            '(' => List(')', "()", depth),
            '\'' or '"' => Text(),
            _ => Word(),
        };
    }

    ReprValue? List(char end, string brackets, int depth)
    {
        _at++;
        List<ReprValue> items = [];
        while (!Take(end))
        {
            if (items.Count > 0 && !Take(','))
            {
                return null;
            }
            if (Take(end))
            {
                break;
            }
            if (Value(depth + 1) is not { } item)
            {
                return null;
            }
            items.Add(item);
        }
        return new ReprValue(ReprKind.List, brackets, items, []);
    }

    // {'a': 1} is a dictionary, {1, 2} a set, {} an empty dictionary.
    ReprValue? Braces(int depth)
    {
        _at++;
        List<ReprValue> keys = [], items = [];
        bool set = false;
        while (!Take('}'))
        {
            if (keys.Count > 0 && !Take(','))
            {
                return null;
            }
            if (Take('}'))
            {
                break;
            }
            if (Value(depth + 1) is not { } key)
            {
                return null;
            }
            keys.Add(key);
            bool pair = Take(':');
            set |= !pair;
            if (pair && Value(depth + 1) is { } item)
            {
                items.Add(item);
            }
            else if (pair || items.Count > 0)
            {
                // Celery cuts long arguments with dots: {'a': 1, ...}
                if (!pair && key.Text == "...")
                {
                    items.Add(new ReprValue(ReprKind.Word, "", [], []));
                    set = false;
                    continue;
                }
                return null;
            }
        }
        return set ? new ReprValue(ReprKind.List, "{}", keys, []) : new ReprValue(ReprKind.Dict, "", items, keys);
    }

    ReprValue? Text()
    {
        char quote = _text[_at++];
        StringBuilder text = new();
        while (_at < _text.Length && _text[_at] != quote)
        {
            char c = _text[_at++];
            if (c == '\\' && _at < _text.Length)
            {
                Escape(text);
            }
            else
            {
                text.Append(c);
            }
        }
        return _at++ < _text.Length ? new ReprValue(ReprKind.Text, text.ToString(), [], []) : null;
    }

    void Escape(StringBuilder text)
    {
        char c = _text[_at++];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        bool hex = digits > 0 && _at + digits <= _text.Length;
        if (hex && int.TryParse(_text.Slice(_at, digits), System.Globalization.NumberStyles.AllowHexSpecifier, null, out int code) && code is >= 0 and <= 0x10FFFF)
        {
            _at += digits;
            _ = code is >= 0xD800 and < 0xE000 || code < 0x10000 ? text.Append((char)code) : text.Append(char.ConvertFromUtf32(code));
            return;
        }
        text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', '0' => '\0', '\'' or '"' or '\\' or '/' => c, _ => '\\' });
        if (c is not ('n' or 't' or 'r' or '0' or '\'' or '"' or '\\' or '/'))
        {
            text.Append(c);
        }
    }

    // A number, None, b'00ff', <Feed: 3>, datetime.datetime(2026, 11, 20, tzinfo=…): up to the comma or bracket that ends it.
    ReprValue? Word()
    {
        int begin = _at, open = 0;
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c is '\'' or '"')
            {
                if (Text() is null)
                {
                    return null;
                }
                continue;
            }
            if (open == 0 && (c is ',' or ':' or ')' or ']' or '}'))
            {
                break;
            }
            open += c is '(' or '[' or '{' or '<' ? 1 : c is ')' or ']' or '}' || (c == '>' && open > 0) ? -1 : 0;
            _at++;
        }
        string word = _text[begin.._at].Trim().ToString();
        return word.Length > 0 && open == 0 ? new ReprValue(ReprKind.Word, word, [], []) : null;
    }

    bool Take(char wanted)
    {
        Blanks();
        bool there = _at < _text.Length && _text[_at] == wanted;
        _at += there ? 1 : 0;
        return there;
    }

    void Blanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }
}
