using System.Buffers;
using System.Globalization;
using System.Text;

namespace Belfry.Celery.Redis;

/// <summary>A word of a command: text, a number, or bytes as they are.</summary>
readonly record struct RespWord(ReadOnlyMemory<byte> Bytes)
{
    public static implicit operator RespWord(string text) => new(Encoding.UTF8.GetBytes(text));

    public static implicit operator RespWord(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static implicit operator RespWord(byte[] bytes) => new(bytes);

    public static implicit operator RespWord(ReadOnlyMemory<byte> bytes) => new(bytes);
}

/// <summary>Writes the protocol.</summary>
static class RespText
{
    /// <summary>A command as an array of bulk strings.</summary>
    public static byte[] Command(ReadOnlySpan<string> words)
    {
        var text = new ArrayBufferWriter<byte>();
        Head(text, '*', words.Length);
        foreach (string word in words)
        {
            Bulk(text, Encoding.UTF8.GetBytes(word));
        }
        return text.WrittenSpan.ToArray();
    }

    /// <summary>Several commands, to be sent in one go.</summary>
    public static ReadOnlyMemory<byte> Commands(IEnumerable<IReadOnlyCollection<RespWord>> commands)
    {
        var text = new ArrayBufferWriter<byte>();
        foreach (IReadOnlyCollection<RespWord> words in commands)
        {
            Head(text, '*', words.Count);
            foreach (RespWord word in words)
            {
                Bulk(text, word.Bytes.Span);
            }
        }
        return text.WrittenMemory;
    }

    static void Bulk(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> word)
    {
        Head(text, '$', word.Length);
        text.Write(word);
        text.Write("\r\n"u8);
    }

    static void Head(ArrayBufferWriter<byte> text, char type, int count) => text.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{type}{count}\r\n")));
}
