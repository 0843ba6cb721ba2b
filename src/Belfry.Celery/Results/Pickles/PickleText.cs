using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Belfry.Celery.Results.Pickles;

/// <summary>A pickle as JSON, in the ways in which Celery itself writes what JSON has not.</summary>
static class PickleText
{
    const int Deepest = 200, Longest = 16 * 1024 * 1024;

    /// <summary>The JSON of a pickle.</summary>
    /// <exception cref="PickleException">It is none, or one without measure.</exception>
    public static string Json(ReadOnlyMemory<byte> pickle)
    {
        var text = new StringBuilder();
        Write(text, PickleReader.Read(pickle), 0);
        return text.ToString();
    }

    static void Write(StringBuilder text, PickleValue value, int depth)
    {
        // A value that holds itself, or one that is named over and over, has no end.
        if (depth > Deepest || text.Length > Longest)
        {
            throw new PickleException("pickle nested without measure");
        }
        switch (value)
        {
            case PickleValue.Many many:
                Write(text, '[', many.Items, ']', item => Write(text, item, depth + 1));
                break;
            case PickleValue.Dict dict:
                Write(text, '{', dict.Items, '}', item => WritePair(text, item, depth + 1));
                break;
            case PickleValue.Unbuilt unbuilt:
                text.Append($"{{\"__class__\": {Quoted(unbuilt.Name)}, \"__args__\": ");
                Write(text, unbuilt.Arguments, depth + 1);
                text.Append('}');
                break;
            default:
                text.Append(Leaf(value));
                break;
        }
    }

    static void WritePair(StringBuilder text, (PickleValue Key, PickleValue Value) pair, int depth)
    {
        if (pair.Key is PickleValue.Scalar { Value: string key })
        {
            text.Append(Quoted(key));
        }
        else
        {
            // JSON has texts for keys only: what else Python has is written as such a text.
            var other = new StringBuilder();
            Write(other, pair.Key, depth);
            text.Append(Quoted(other.ToString()));
        }
        text.Append(": ");
        Write(text, pair.Value, depth);
    }

    static void Write<T>(StringBuilder text, char open, List<T> items, char close, Action<T> write)
    {
        text.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            write(items[i]);
        }
        text.Append(close);
    }

    static string Leaf(PickleValue value) => value switch
    {
        PickleValue.Scalar { Value: bool truth } => truth ? "true" : "false",
        PickleValue.Scalar { Value: BigInteger number } => number.ToString(CultureInfo.InvariantCulture),
        PickleValue.Scalar { Value: double real } => Real(real),
        PickleValue.Scalar { Value: string text } => Quoted(text),
        PickleValue.Scalar { Value: byte[] bytes } => Bytes(bytes),
        PickleValue.Named named => $"{{\"__class__\": {Quoted(named.Name)}}}",
        _ => "null",
    };

    // As Python's json writes them; those that JSON has not come back through PythonJson.
    static string Real(double real) =>
        double.IsNaN(real) ? "NaN" : double.IsPositiveInfinity(real) ? "Infinity" : double.IsNegativeInfinity(real) ? "-Infinity"
        : real == Math.Truncate(real) && Math.Abs(real) < 1e16 ? real.ToString("0.0", CultureInfo.InvariantCulture)
        : real.ToString("R", CultureInfo.InvariantCulture);

    static string Bytes(byte[] bytes)
    {
        try
        {
            return $"{{\"__type__\": \"bytes\", \"__value__\": {Quoted(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes))}}}";
        }
        catch (DecoderFallbackException)
        {
            return $"{{\"__type__\": \"base64\", \"__value__\": \"{Convert.ToBase64String(bytes)}\"}}";
        }
    }

    static string Quoted(string text) =>
        $"\"{JsonEncodedText.Encode(text.Any(char.IsSurrogate) ? string.Concat(text.EnumerateRunes()) : text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
