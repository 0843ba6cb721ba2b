using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Belfry.Celery;

/// <summary>A JSON document that Python wrote. NaN and Infinity may stand in it: they read as 0, and <see cref="Raw"/> has them as they were.</summary>
sealed class PythonJson : IDisposable
{
    // Python's own reader gives up at a thousand; nobody means half of it.
    static readonly JsonDocumentOptions Deep = new() { MaxDepth = 500 };

    readonly ReadOnlyMemory<byte> _written, _read;
    readonly JsonDocument _document;

    PythonJson(ReadOnlyMemory<byte> written)
    {
        _written = written;
        _read = JsonText.NonFiniteAsZeros(written);
        _document = JsonDocument.Parse(_read, Deep);
    }

    /// <summary>The whole.</summary>
    public JsonElement Root => _document.RootElement;

    /// <summary>Reads a document.</summary>
    /// <exception cref="JsonException">It is none, or nested without measure.</exception>
    public static PythonJson Parse(ReadOnlyMemory<byte> json) => new(json);

    /// <summary>A part of it as it was written; null when there is no such part.</summary>
    public string? Raw(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }
        ReadOnlySpan<byte> found = JsonMarshal.GetRawUtf8Value(part);
        _read.Span.Overlaps(found, out int place);
        return Encoding.UTF8.GetString(_written.Span.Slice(place, found.Length));
    }

    /// <inheritdoc/>
    public void Dispose() => _document.Dispose();
}
