using System.ComponentModel;
using System.Text.Json;

namespace Belfry;

/// <summary>Makes a value of the type that a parameter has: from JSON, from text, or from another type by way of JSON.</summary>
static class ValueConversion
{
    /// <summary>The value as that type.</summary>
    /// <exception cref="FormatException">It cannot be one.</exception>
    public static object? To(object? value, Type type, JsonSerializerOptions json)
    {
        if (value is null or JsonElement { ValueKind: JsonValueKind.Null } && type != typeof(JsonElement))
        {
            return !type.IsValueType || Nullable.GetUnderlyingType(type) is not null ? null : throw new FormatException($"nothing is no {NameOf(type)}");
        }
        if (type.IsInstanceOfType(value))
        {
            return value;
        }
        try
        {
            return value switch
            {
                JsonElement { ValueKind: JsonValueKind.String } element when OfText(element.GetString()!, type) is { } read => read,
                JsonElement element => element.Deserialize(type, json),
                string text => OfText(text, type) ?? JsonSerializer.Deserialize(text, type, json),
                _ => JsonSerializer.SerializeToElement(value, json).Deserialize(type, json),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException($"it is no {NameOf(type)}", e);
        }
    }

    /// <summary>The type's name for people: <c>int</c>, <c>List&lt;string&gt;</c>.</summary>
    public static string NameOf(Type type) =>
        Nullable.GetUnderlyingType(type) is { } inner ? NameOf(inner) + "?"
        : type.IsArray ? NameOf(type.GetElementType()!) + "[]"
        : type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
        : type == typeof(string) ? "string" : type == typeof(int) ? "int" : type == typeof(long) ? "long" : type == typeof(bool) ? "bool"
        : type == typeof(double) ? "double" : type == typeof(decimal) ? "decimal" : type == typeof(object) ? "object"
        : type.Name;

    /// <summary>Numbers, dates, enums … as they are written; durations also as conditions have them.</summary>
    static object? OfText(string text, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(TimeSpan))
        {
            return TimeSpan.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out TimeSpan span) && text.Contains(':') ? span : DurationReader.Read(text);
        }
        TypeConverter converter = TypeDescriptor.GetConverter(type);
        return converter.GetType() != typeof(TypeConverter) && converter.CanConvertFrom(typeof(string)) ? converter.ConvertFromInvariantString(text) : null;
    }
}
