using System.Text;

namespace Belfry;

/// <summary>Reads the events of a file of values, and how far it is whole.</summary>
sealed class EventLineReader : IDisposable
{
    readonly StreamReader _reader;
    readonly StringBuilder _value = new();
    List<string>? _names;
    long _line, _bytes;

    public EventLineReader(Stream file) => _reader = new StreamReader(file, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: false, leaveOpen: true);

    /// <summary>So many bytes are whole lines; what follows was torn off while it was written.</summary>
    public long Whole { get; private set; }

    /// <summary>The next event; null at the end.</summary>
    /// <exception cref="FormatException">A line is none; the message names it.</exception>
    public TaskEvent? Next()
    {
        try
        {
            if (_names is null)
            {
                if (NextLine() is not { } names)
                {
                    return null;
                }
                _names = [.. names.Select(name => name ?? "")];
            }
            return NextLine() is { } values ? EventLine.Read(_names, values) : null;
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException)
        {
            throw new FormatException($"line {_line} of the log is not understood: {wrong.Message}", wrong);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    /// <summary>The values of a whole line.</summary>
    List<string?>? NextLine()
    {
        var values = new List<string?>();
        _line++;
        while (true)
        {
            (string? value, int end) = NextValue();
            values.Add(value);
            if (end < 0)
            {
                return null; // torn off
            }
            if (end == '\n')
            {
                Whole = _bytes;
                return values;
            }
        }
    }

    /// <summary>A value and the character that ends it; -1 at the end of the file.</summary>
    (string? Value, int End) NextValue()
    {
        _value.Clear();
        int next = Read();
        if (next != '"')
        {
            for (; next is >= 0 and not ';' and not '\n'; next = Read())
            {
                _value.Append((char)next);
            }
            return (_value.Length == 0 ? null : _value.ToString().TrimEnd('\r'), next);
        }
        while (true)
        {
            next = Read();
            if (next == '"' && (next = Read()) != '"')
            {
                break;
            }
            if (next < 0)
            {
                return (null, next);
            }
            _value.Append((char)next);
        }
        while (next == '\r')
        {
            next = Read();
        }
        return (_value.ToString(), next);
    }

    int Read()
    {
        int next = _reader.Read();
        _bytes += next < 0 ? 0 : next < 0x80 ? 1 : next < 0x800 ? 2 : char.IsSurrogate((char)next) ? 2 : 3; // a pair of surrogates is four bytes
        return next;
    }
}
