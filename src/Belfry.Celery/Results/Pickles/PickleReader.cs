using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Belfry.Celery.Results.Pickles;

/// <summary>Reads pickles of protocols 0 to 5 without what makes them dangerous: nothing is imported, called or built.</summary>
/// <remarks>
/// A pickle is a program for a machine with a stack, a stack of marks and a memo. Of its instructions those that name a class leave its name,
/// those that call one leave the name and the arguments. Memory is bounded by the pickle's length; what it would swell to by naming one
/// value many times is bounded where it is written (<see cref="PickleText"/>).
/// </remarks>
sealed class PickleReader
{
    /// <summary>A longer pickle is not read.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    // A value takes a hundred times the byte that makes it; nobody looks at a result of so many.
    const int MostValues = 2_000_000;

    // A number is written in decimal: with many thousand digits that takes seconds.
    const int MostNumberBytes = 1024;

    readonly ReadOnlyMemory<byte> _pickle;
    readonly Dictionary<long, PickleValue> _memo = [];
    readonly Stack<List<PickleValue>> _below = new();
    List<PickleValue> _stack = [];
    int _place, _values;

    PickleReader(ReadOnlyMemory<byte> pickle) => _pickle = pickle;

    /// <summary>Reads a pickle.</summary>
    /// <exception cref="PickleException">It is none, or one without measure.</exception>
    public static PickleValue Read(ReadOnlyMemory<byte> pickle) =>
        pickle.Length <= MostBytes ? new PickleReader(pickle).Run() : throw new PickleException($"pickle over {MostBytes} bytes");

    PickleValue Run()
    {
        for (byte code = Byte(); code != '.'; code = Byte())
        {
            if (!Scalars(code) && !Collections(code) && !Memory(code) && !Names(code))
            {
                throw new PickleException($"pickle with the unknown instruction 0x{code:x2}");
            }
        }
        return Pop();
    }

    bool Scalars(byte code)
    {
        PickleValue? value = code switch
        {
            (byte)'N' => PickleValue.None.It,
            0x88 => Of(true),
            0x89 => Of(false),
            (byte)'I' => Line() switch { "00" => Of(false), "01" => Of(true), var digits => Of(Whole(digits)) },
            (byte)'L' => Of(Whole(Line().TrimEnd('L'))),
            (byte)'J' => Of(new BigInteger(BinaryPrimitives.ReadInt32LittleEndian(Take(4)))),
            (byte)'K' => Of(new BigInteger(Byte())),
            (byte)'M' => Of(new BigInteger(BinaryPrimitives.ReadUInt16LittleEndian(Take(2)))),
            0x8A => Of(Whole(Take(Byte()))),
            0x8B => Of(Whole(Take(Length(4)))),
            (byte)'F' => Of(Real(Line())),
            (byte)'G' => Of(BinaryPrimitives.ReadDoubleBigEndian(Take(8))),
            (byte)'S' => Of(Unquoted(Line())),
            (byte)'V' => Of(Escapes.Unicode(Line(Encoding.Latin1))),
            (byte)'T' => Of(Encoding.UTF8.GetString(Take(Length(4)))),
            (byte)'U' => Of(Encoding.UTF8.GetString(Take(Byte()))),
            (byte)'X' => Of(Encoding.UTF8.GetString(Take(Length(4)))),
            0x8C => Of(Encoding.UTF8.GetString(Take(Byte()))),
            0x8D => Of(Encoding.UTF8.GetString(Take(Length(8)))),
            (byte)'B' => Of(Take(Length(4)).ToArray()),
            (byte)'C' => Of(Take(Byte()).ToArray()),
            0x8E or 0x96 => Of(Take(Length(8)).ToArray()),
            _ => null,
        };
        return Push(value);
    }

    bool Collections(byte code)
    {
        switch (code)
        {
            case (byte)'(':
                _below.Push(_stack);
                _stack = [];
                return true;
            case (byte)']' or (byte)')' or 0x8F:
                return Push(new PickleValue.Many([]));
            case (byte)'}':
                return Push(new PickleValue.Dict([]));
            case (byte)'l' or (byte)'t' or 0x91:
                return Push(new PickleValue.Many(PopMark()));
            case (byte)'d':
                return Push(new PickleValue.Dict(Pairs(PopMark())));
            case 0x85 or 0x86 or 0x87:
                return Push(new PickleValue.Many(PopMany(code - 0x84)));
            case (byte)'a':
                return Add([Pop()]);
            case (byte)'e' or 0x90:
                return Add(PopMark());
            case (byte)'s':
                return Set(PopMany(2));
            case (byte)'u':
                return Set(PopMark());
            default:
                return false;
        }
    }

    bool Memory(byte code)
    {
        switch (code)
        {
            case 0x80:
                return Byte() <= 5 ? true : throw new PickleException("pickle of a protocol after 5");
            case 0x95:
                Take(8);
                return true;
            case (byte)'0':
                Pop();
                return true;
            case (byte)'1':
                PopMark();
                return true;
            case (byte)'2':
                return Push(Top);
            case (byte)'p':
                return Remember(Index(Line()));
            case (byte)'q':
                return Remember(Byte());
            case (byte)'r':
                return Remember(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
            case 0x94:
                return Remember(_memo.Count);
            case (byte)'g':
                return Push(Remembered(Index(Line())));
            case (byte)'h':
                return Push(Remembered(Byte()));
            case (byte)'j':
                return Push(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
            default:
                return false;
        }
    }

    bool Names(byte code)
    {
        switch (code)
        {
            case (byte)'c':
                return Push(Name($"{Line()}.{Line()}"));
            case 0x93:
                List<PickleValue> names = PopMany(2);
                return Push(Name($"{TextOf(names[0])}.{TextOf(names[1])}"));
            case (byte)'i':
                PickleValue.Named name = Name($"{Line()}.{Line()}");
                return Push(Called(name, new PickleValue.Many(PopMark())));
            case (byte)'o':
                List<PickleValue> parts = PopMark();
                return Push(parts.Count > 0 ? Called(parts[0], new PickleValue.Many(parts[1..])) : throw Cut());
            case (byte)'R' or 0x81:
                List<PickleValue> call = PopMany(2);
                return Push(Called(call[0], call[1]));
            case 0x92:
                List<PickleValue> made = PopMany(3);
                return Push(Called(made[0], made[1]));
            case (byte)'b':
                // The state that an object would be given.
                Pop();
                return Top is not null;
            case (byte)'P':
                return Push(Name($"persistent {Line()}"));
            case (byte)'Q':
                return Push(Name($"persistent {TextOf(Pop())}"));
            case 0x82 or 0x83 or 0x84:
                return Push(new PickleValue.Named($"extension {Convert.ToHexString(Take(1 << (code - 0x82)))}"));
            case 0x97:
                return Push(new PickleValue.Named("buffer beside the pickle"));
            case 0x98:
                return true;
            default:
                return false;
        }
    }

    /// <summary>What older protocols can only say by a call, though it is plain: a set, bytes.</summary>
    static PickleValue Called(PickleValue what, PickleValue arguments) => (what, arguments) switch
    {
        (PickleValue.Named { Name: "builtins.set" or "__builtin__.set" or "builtins.frozenset" or "__builtin__.frozenset" }, PickleValue.Many { Items: [PickleValue.Many items] }) => items,
        (PickleValue.Named { Name: "_codecs.encode" }, PickleValue.Many { Items: [PickleValue.Scalar { Value: string text }, PickleValue.Scalar { Value: "latin1" }] }) => Of(Encoding.Latin1.GetBytes(text)),
        (PickleValue.Named { Name: "builtins.bytes" or "__builtin__.bytes" }, PickleValue.Many { Items: [] }) => Of(Array.Empty<byte>()),
        _ => new PickleValue.Unbuilt(TextOf(what), arguments),
    };

    bool Add(List<PickleValue> items)
    {
        if (Top is PickleValue.Many many)
        {
            many.Items.AddRange(items);
        }
        return true;
    }

    bool Set(List<PickleValue> items)
    {
        if (Top is PickleValue.Dict dict)
        {
            dict.Items.AddRange(Pairs(items));
        }
        return true;
    }

    static List<(PickleValue Key, PickleValue Value)> Pairs(List<PickleValue> items) =>
        items.Count % 2 == 0 ? [.. items.Chunk(2).Select(pair => (pair[0], pair[1]))] : throw Cut();

    PickleValue Top => _stack.Count > 0 ? _stack[^1] : throw Cut();

    bool Push(PickleValue? value)
    {
        if (value is not null)
        {
            _stack.Add(++_values <= MostValues ? value : throw new PickleException($"pickle of more than {MostValues} values"));
        }
        return value is not null;
    }

    PickleValue Pop()
    {
        PickleValue top = Top;
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    List<PickleValue> PopMany(int count)
    {
        if (_stack.Count < count)
        {
            throw Cut();
        }
        List<PickleValue> items = _stack[^count..];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    List<PickleValue> PopMark()
    {
        if (!_below.TryPop(out List<PickleValue>? below))
        {
            throw Cut();
        }
        List<PickleValue> items = _stack;
        _stack = below;
        return items;
    }

    bool Remember(long index)
    {
        _memo[index] = Top;
        return true;
    }

    PickleValue Remembered(long index) => _memo.TryGetValue(index, out PickleValue? value) ? value : throw Cut();

    byte Byte() => Take(1)[0];

    ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _pickle.Length - _place)
        {
            throw Cut();
        }
        _place += count;
        return _pickle.Span.Slice(_place - count, count);
    }

    int Length(int bytes)
    {
        ulong length = bytes == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(Take(4)) : BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return length <= MostBytes ? (int)length : throw Cut();
    }

    string Line(Encoding? encoding = null)
    {
        int end = _pickle.Span[_place..].IndexOf((byte)'\n');
        string line = end < 0 ? throw Cut() : (encoding ?? Encoding.UTF8).GetString(Take(end));
        Take(1);
        return line.TrimEnd('\r');
    }

    static PickleValue.Scalar Of(object value) => new(value);

    static BigInteger Whole(string digits) =>
        digits.Length <= MostNumberBytes && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number) ? number
        : throw new PickleException("pickle with a number that is none, or without measure");

    static BigInteger Whole(ReadOnlySpan<byte> bytes) => bytes.Length <= MostNumberBytes ? new BigInteger(bytes) : throw new PickleException("pickle with a number that is none, or without measure");

    static double Real(string text) => text switch
    {
        "nan" or "-nan" => double.NaN,
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw new PickleException("pickle with a number that is none, or without measure"),
    };

    static long Index(string line) => long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : throw Cut();

    static string Unquoted(string line) =>
        line.Length >= 2 && line[0] == line[^1] && line[0] is '\'' or '"' ? Escapes.Bytes(line[1..^1]) : throw Cut();

    static string TextOf(PickleValue value) => value switch
    {
        PickleValue.Named named => named.Name,
        PickleValue.Scalar { Value: string text } => Excerpt.Of(text, TaskEvent.LongestName),
        _ => "?",
    };

    // Names can be put together again and again, each time to twice the length.
    static PickleValue.Named Name(string name) => new(Excerpt.Of(name, TaskEvent.LongestName));

    static PickleException Cut() => new("pickle that is none, or cut off");
}
