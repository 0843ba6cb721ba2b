using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Belfry.Storage.Rows;

/// <summary>What stands in a payload. Each field is its tag, its length, its bytes. The numbers are stored: never change one.</summary>
enum Tag : byte
{
    Args = 1, Kwargs = 2, Result = 3, Exception = 4, Traceback = 5, Reason = 6, Runtime = 7, Percent = 8, Text = 9,
    Eta = 10, Expires = 11, Priority = 12, ContextModel = 13, ContextType = 14, ContextId = 15, Extra = 16,
    First = 17, Updated = 18, Fact = 20, Until = 21,

    // Of a fact only; parent, root and id also of a row whose columns only take UUIDs.
    Kind = 30, At = 31, Shown = 32, Attempt = 33, Worker = 34, Task = 35, Queue = 36, Parent = 37, Root = 38, App = 39, Id = 40, Reconciled = 41,
}

/// <summary>Writes a payload into a buffer that is used again and again.</summary>
sealed class PayloadWriter
{
    byte[] _buffer = new byte[1024];
    int _length;

    /// <summary>What was written since <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Starts anew.</summary>
    public void Begin() => _length = 0;

    public void Text(Tag tag, string? value)
    {
        if (value is null)
        {
            return;
        }
        int begin = _length;
        Head(tag, value.Length);
        if (Ascii.FromUtf16(value, _buffer.AsSpan(_length), out int bytes) != OperationStatus.Done)
        {
            _length = begin; // other characters take more bytes, and the length may as well
            bytes = Encoding.UTF8.GetByteCount(value);
            Head(tag, bytes);
            Encoding.UTF8.GetBytes(value, _buffer.AsSpan(_length));
        }
        _length += bytes;
    }

    public void Number(Tag tag, long? value)
    {
        if (value is not { } number)
        {
            return;
        }
        Span<byte> digits = stackalloc byte[10];
        int length = 0;
        for (ulong rest = (ulong)((number << 1) ^ (number >> 63)); ; rest >>= 7)
        {
            digits[length++] = (byte)rest;
            if (rest < 0x80)
            {
                break;
            }
            digits[length - 1] |= 0x80;
        }
        Bytes(tag, digits[..length]);
    }

    public void Real(Tag tag, double? value)
    {
        if (value is { } number)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, number);
            Bytes(tag, bytes);
        }
    }

    public void Bytes(Tag tag, ReadOnlySpan<byte> value)
    {
        Head(tag, value.Length);
        value.CopyTo(_buffer.AsSpan(_length));
        _length += value.Length;
    }

    void Head(Tag tag, int bytes)
    {
        if (_length + bytes + 8 > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + bytes + 8));
        }
        _buffer[_length++] = (byte)tag;
        for (uint rest = (uint)bytes; ; rest >>= 7)
        {
            _buffer[_length++] = (byte)rest;
            if (rest < 0x80)
            {
                break;
            }
            _buffer[_length - 1] |= 0x80;
        }
    }
}

/// <summary>Walks the fields of a payload.</summary>
ref struct PayloadReader(ReadOnlySpan<byte> rest)
{
    ReadOnlySpan<byte> _rest = rest;

    public Tag Tag { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Value);

    public readonly double Real => BinaryPrimitives.ReadDoubleLittleEndian(Value);

    public readonly long Number
    {
        get
        {
            ulong number = 0;
            for (int i = 0; i < Value.Length; i++)
            {
                number |= (ulong)(Value[i] & 0x7F) << (7 * i);
            }
            return (long)(number >> 1) ^ -(long)(number & 1);
        }
    }

    public readonly Instant Instant => new(Number);

    /// <summary>The next field; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        Tag = (Tag)_rest[0];
        int at = 1, length = 0, shift = 0;
        byte next;
        do
        {
            next = _rest[at++];
            length |= (next & 0x7F) << shift;
            shift += 7;
        }
        while (next >= 0x80);
        Value = _rest.Slice(at, length);
        _rest = _rest[(at + length)..];
        return true;
    }
}
